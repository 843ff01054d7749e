# A guessed password is one alert, also when the daemon restarts in between;
# a person who mistypes is none.
day 2026-11-20
at 10:00:00 udp 10.0.0.7 "<38>Nov 20 10:00:00 srv-1 sshd[101]: Failed password for root from 192.0.2.9 port 4001 ssh2" x12
at 10:00:20 udp 10.0.0.7 "<38>Nov 20 10:00:20 srv-1 sshd[102]: Accepted password for root from 192.0.2.9 port 4002 ssh2"
expect alert yagura.layer=model source.ip=192.0.2.9 count=1
restart
at 10:00:30 udp 10.0.0.7 "<38>Nov 20 10:00:30 srv-1 sshd[103]: Failed password for root from 192.0.2.9 port 4003 ssh2" x3
expect alert yagura.layer=model source.ip=192.0.2.9 count=1
expect search "event.dataset:yagura.alert | stats count by rule.id" rows=2

at 11:00:00 udp 10.0.0.7 "<38>Nov 20 11:00:00 srv-1 sshd[201]: Failed password for anna from 10.1.1.5 port 4001 ssh2" x2
at 11:00:20 udp 10.0.0.7 "<38>Nov 20 11:00:20 srv-1 sshd[202]: Accepted password for anna from 10.1.1.5 port 4002 ssh2"
expect no alert source.ip=10.1.1.5
expect search "srv-1 | stats count" rows=1
