failed | stats count by user | sort -counts
