--json
nosuchword | stats count
