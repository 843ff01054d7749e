sshd | top 2 source.ip
