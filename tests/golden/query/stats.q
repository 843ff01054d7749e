--json
sshd | stats count, dcount(src) as sources, min(@timestamp) by user.name
