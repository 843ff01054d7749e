failed
