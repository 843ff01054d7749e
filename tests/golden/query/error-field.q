sorce.ip:10.0.0.1 failed | head
