--json
sshd source.ip:* | head 1 | context 2 by source.ip | stats count by source.ip
