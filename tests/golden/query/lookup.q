--json
* | lookup owners.csv user.name | stats count by owners.team
