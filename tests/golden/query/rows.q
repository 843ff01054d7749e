-n
2
--json
* | fields @timestamp, host.name
