--format
raw
* | stats count
