* | lookup no_such_list source.ip
