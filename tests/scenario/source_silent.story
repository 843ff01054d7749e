# A server that has talked for a day falls silent: one alert, however long it
# lasts; a pause of ten minutes is none.
day 2026-11-19
live
at 00:00:00 udp 10.0.0.7 "<86>sshd[811]: Connection closed by 10.1.2.3 port 40100" x1560 every 60
day 2026-11-20
until 02:10:00
expect no alert "rule.name=Source silent"
until 02:20:00
expect alert "rule.name=Source silent" host.ip=10.0.0.7 count=1
until 05:00:00
expect alert "rule.name=Source silent" count=1
# What the service says is found by who asks for it, and counted nowhere.
expect search "event.dataset:yagura.health yagura.health.peer:10.0.0.7 | stats count by yagura.health.kind" rows=2
expect search "host.ip:10.0.0.7" rows=0
expect search "* | stats count by log.source.address" rows=1
