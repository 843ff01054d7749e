* | lookup tor_exit source.ip
