# Nothing is lost because it is odd.
day 2026-11-20
at 09:00:00 udp 10.0.0.7 "no header, nothing known"
at 09:00:01 udp 10.0.0.7 "<13>Nov 20 09:00:01 coffee-1 brewd: water low" x3
at 09:00:02 udp 10.0.0.7 "{\"broken\": json"
at 09:00:03 udp 10.0.0.7 "<999>1 not a time"
expect search "\"nothing known\"" rows=1
expect search "water" rows=3
expect search "tags:unparsed | stats count" rows=1
expect search "*" rows=6
restart
expect search "*" rows=6
