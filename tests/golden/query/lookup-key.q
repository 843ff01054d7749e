--json
user.name:* | lookup teams.csv user.name as user | stats count by teams.team
