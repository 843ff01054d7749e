failed | stats cuont by user
