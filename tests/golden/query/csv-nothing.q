--format
csv
"red" | stats count by user.name
