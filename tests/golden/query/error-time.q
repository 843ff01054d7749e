@timestamp:>yesterday
