failed | stats dcount by user
