"red"
