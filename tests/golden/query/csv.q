--format
csv
* | fields user.name, message, event.original | where -user.name:*
