--json
* | stats count by user | where count > 1
