* | stats count by user | where failed
