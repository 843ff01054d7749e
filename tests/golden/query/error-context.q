* | stats count | context 3
