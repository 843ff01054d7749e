/* One by one, what real devices write and no manual says: the shipped
 * definitions over lines of each odd kind. */
#include "tests/unit/parsers/lane.h"

struct row {
	const char *line;
	const char *expect;	/* "field=value", one a line */
};

static const struct row rows[] = {
	{ "Nov 20 10:00:00 web01 nginx: 2026/11/20 09:59:58 [error] 7#7"
	  ": *9 x failed, client: 192.0.2.9, server: _, request: \"GET "
	  "/ HTTP/1.1\"",
	  "yagura.parser=nginx_error\n"
	  "@timestamp=2026-11-20T09:59:58.000Z\n"
	  "source.ip=192.0.2.9\n"
	  "event.outcome=failure\n"
	  "host.name=web01\n" },
	{ "Nov 20 10:00:09 mail.example.com exim[1]: 2026-11-20 09:59:5"
	  "8 1abcDE-000001-AB <= a@example.net H=m.example.net [192.0.2"
	  ".25] P=esmtp S=7",
	  "yagura.parser=exim\n"
	  "@timestamp=2026-11-20T09:59:58.000Z\n"
	  "source.ip=192.0.2.25\n"
	  "event.outcome=success\n"
	  "host.name=mail.example.com\n" },
	{ "<166>Nov 20 10:00:00 %ASA-6-302013: Built inbound TCP connec"
	  "tion 7 for outside:192.0.2.9/4000 (192.0.2.9/4000) to inside"
	  ":10.1.2.3/80 (10.1.2.3/80)",
	  "yagura.parser=cisco_asa\n"
	  "@timestamp=2026-11-20T10:00:00.000Z\n"
	  "source.ip=192.0.2.9\n"
	  "source.port=4000\n"
	  "destination.ip=10.1.2.3\n"
	  "destination.port=80\n"
	  "event.outcome=success\n"
	  "yagura.blocked=false\n"
	  "network.transport=tcp\n" },
	{ "<13>1 - - - - - - src=192.0.2.9 dst=10.1.2.3 act=x",
	  "yagura.parser=generic_kv\n"
	  "source.ip=192.0.2.9\n"
	  "destination.ip=10.1.2.3\n" },
	{ "<189>Nov 20 18:30:15 sw 123: *Nov 20 18:30:13.311 CDT: %SYS-"
	  "5-CONFIG_I: Configured from console by hana on vty0 (192.0.2"
	  ".9)",
	  "yagura.parser=cisco_ios\n"
	  "@timestamp=2026-11-20T23:30:13.311Z\n"
	  "source.ip=192.0.2.9\n"
	  "user.name=hana\n"
	  "observer.name=sw\n" },
	{ "Nov 20 10:00:09 lb haproxy[7]: 192.0.2.9:4000 [20/Nov/2026:0"
	  "9:59:58.123] fe be/s 0/0/1/2/3 200 5 - - ---- 1/1/0/0/0 0/0 "
	  "\"GET /a HTTP/1.1\"",
	  "yagura.parser=haproxy\n"
	  "@timestamp=2026-11-20T10:00:09.000Z\n"
	  "source.ip=192.0.2.9\n"
	  "source.port=4000\n"
	  "event.outcome=success\n"
	  "host.name=lb\n"
	  "http.response.status_code=200\n" },
	{ "Nov 20 10:00:09 px squid[7]: 1795168798.123 5 10.1.2.3 TCP_M"
	  "ISS/200 9 GET http://www.example.org/ - HIER_DIRECT/192.0.2."
	  "80 text/html",
	  "yagura.parser=squid_proxy\n"
	  "@timestamp=2026-11-20T09:59:58.123Z\n"
	  "source.ip=10.1.2.3\n"
	  "destination.ip=192.0.2.80\n"
	  "event.outcome=success\n"
	  "yagura.blocked=false\n"
	  "network.transport=tcp\n"
	  "host.name=px\n"
	  "url.full=http://www.example.org/\n"
	  "url.domain=www.example.org\n"
	  "http.response.status_code=200\n" },
	{ "<134>1 1795168798.123456789 mx flows allow src=10.1.2.3 dst="
	  "192.0.2.80 protocol=tcp sport=5000 dport=443",
	  "yagura.parser=cisco_meraki\n"
	  "@timestamp=2026-11-20T09:59:58.123456789Z\n"
	  "source.ip=10.1.2.3\n"
	  "source.port=5000\n"
	  "destination.ip=192.0.2.80\n"
	  "destination.port=443\n"
	  "event.outcome=success\n"
	  "yagura.blocked=false\n"
	  "network.transport=tcp\n"
	  "observer.name=mx\n" },
	{ "<14>Nov 20 10:00:09 pa-a 1,2026/11/20 09:59:59,0001,TRAFFIC,"
	  "end,2562,2026/11/20 09:59:58,10.1.2.3,192.0.2.80,,,r,,,ssl,v"
	  "sys1,a,b,e1,e2,f,2026/11/20 09:59:59,7,1,5000,443,0,0,0x0,tc"
	  "p,allow,9,1,8,2",
	  "yagura.parser=paloalto_panos\n"
	  "@timestamp=2026-11-20T09:59:58.000Z\n"
	  "source.ip=10.1.2.3\n"
	  "source.port=5000\n"
	  "destination.ip=192.0.2.80\n"
	  "destination.port=443\n"
	  "event.outcome=success\n"
	  "yagura.blocked=false\n"
	  "network.transport=tcp\n"
	  "host.name=pa-a\n"
	  "rule.name=r\n" },
	{ "<13>Nov 20 10:00:00 f5 ASM:CEF:0|F5|ASM|15.1|200000098|XSS|5"
	  "|src=192.0.2.9 spt=4000 dst=10.1.2.3 dpt=443 act=blocked req"
	  "uestMethod=GET request=/a?b\\=c",
	  "yagura.parser=f5_bigip_cef\n"
	  "@timestamp=2026-11-20T10:00:00.000Z\n"
	  "source.ip=192.0.2.9\n"
	  "source.port=4000\n"
	  "destination.ip=10.1.2.3\n"
	  "destination.port=443\n"
	  "event.outcome=failure\n"
	  "yagura.blocked=true\n" },
	{ "CEF:0|Acme|Gate|1|7|n\\|m|5|request=http://www.example.org/a"
	  "?b=c&d=e f msg=two words\\nmore path=C:\\\\temp x=a\\=b src="
	  "192.0.2.9 duser= sproc=console spt= 12345 proto=tcp/https",
	  "yagura.parser=generic_cef\n"
	  "source.ip=192.0.2.9\n"
	  "source.port=12345\n"
	  "network.transport=tcp\n"
	  "url.full=http://www.example.org/a?b=c&d=e f\n"
	  "url.domain=www.example.org\n"
	  "rule.name=n|m\n"
	  "process.name=console\n" },
	{ "CEF:0|Acme|Gate|1|7|n|5|cs1Label=Rule Name cs1=r1 cs2=r2 cs2"
	  "Label=Zone cs3Label=Lost src=192.0.2.9 dst=10.1.2.3 dst=10.1"
	  ".2.4",
	  "yagura.parser=generic_cef\n"
	  "source.ip=192.0.2.9\n"
	  "destination.ip=10.1.2.4\n"
	  "rule.name=n\n" },
	{ "CEF:0|Acme|Gate|1|7|n|5|c6a1=192.0.2.9 c6a1Label=Device IPv6"
	  " Address rt=Nov 20 2026 10:00:00 GMT+00:00 src=192.0.2.7",
	  "yagura.parser=generic_cef\n"
	  "@timestamp=2026-11-20T10:00:00.000Z\n"
	  "source.ip=192.0.2.7\n"
	  "rule.name=n\n" },
	{ "CEF:0|Acme|Gate|1|7|n|5|rt=1795168798123 src=192.0.2.7",
	  "yagura.parser=generic_cef\n"
	  "@timestamp=2026-11-20T09:59:58.123Z\n"
	  "source.ip=192.0.2.7\n"
	  "rule.name=n\n" },
	{ "<13>Nov 20 10:00:00 h LEEF:2.0|Acme|Gate|1|7|src=192.0.2.9#0"
	  "11dst=10.1.2.3#011proto=6#011usrName=hana",
	  "yagura.parser=generic_leef\n"
	  "@timestamp=2026-11-20T10:00:00.000Z\n"
	  "source.ip=192.0.2.9\n"
	  "destination.ip=10.1.2.3\n"
	  "user.name=hana\n"
	  "network.transport=tcp\n"
	  "host.name=h\n" },
	{ "LEEF:2.0|Acme|Gate|1|7|0x5E|src=192.0.2.9^dst=10.1.2.3^proto"
	  "=tcp",
	  "yagura.parser=generic_leef\n"
	  "source.ip=192.0.2.9\n"
	  "destination.ip=10.1.2.3\n"
	  "network.transport=tcp\n" },
	{ "LEEF:1.0|Acme|Gate|1|7|devTime=20-11-2026 10:00:00\tdevTimeF"
	  "ormat=dd-MM-yyyy HH:mm:ss\tsrc=192.0.2.9",
	  "yagura.parser=generic_leef\n"
	  "@timestamp=2026-11-20T10:00:00.000Z\n"
	  "source.ip=192.0.2.9\n" },
	{ "date=2026-11-20 time=10:00:00 devname=\"fw\" devid=\"F\" eve"
	  "nttime=1795168798 tz=\"+0900\" logid=\"1501054802\" type=\"u"
	  "tm\" subtype=\"dns\" level=\"notice\" srcip=10.1.2.3 qname="
	  "\"[www.example.org]\" qtype=\"A\" action=\"pass\" msg=\"a \\"
	  "\"quoted\\\" user=x\" policyid=",
	  "yagura.parser=fortinet_fortigate\n"
	  "@timestamp=2026-11-20T09:59:58.000Z\n"
	  "source.ip=10.1.2.3\n"
	  "event.outcome=success\n"
	  "yagura.blocked=false\n"
	  "observer.name=fw\n"
	  "dns.question.name=www.example.org\n" },
	{ "<30>Nov 20 10:00:00 xg device=\"SFW\" date=2026-11-20 time=1"
	  "0:00:00 timezone=\"CEST\" device_name=\"XG\" device_id=X log"
	  "_id=010101600001 log_type=\"Firewall\" log_component=\"Firew"
	  "all Rule\" log_subtype=\"Allowed\" status=\"Allow\" src_ip=1"
	  "0.1.2.3 dst_ip=192.0.2.80 protocol=\"TCP\" src_port=5000 dst"
	  "_port=443",
	  "yagura.parser=sophos_xg\n"
	  "@timestamp=2026-11-20T08:00:00.000Z\n"
	  "source.ip=10.1.2.3\n"
	  "source.port=5000\n"
	  "destination.ip=192.0.2.80\n"
	  "destination.port=443\n"
	  "event.outcome=success\n"
	  "yagura.blocked=false\n"
	  "network.transport=tcp\n"
	  "observer.name=XG\n" },
	{ "<134>Nov 20 10:00:00 fw id=firewall sn=1 time=\"2026-11-20 0"
	  "9:59:58 UTC\" fw=192.0.2.1 pri=6 c=262144 m=98 msg=\"Connect"
	  "ion Opened\" n=1 src=10.1.2.3:5000:X0:pc-7 dst=192.0.2.80:44"
	  "3:X1 proto=tcp/https",
	  "yagura.parser=sonicwall\n"
	  "@timestamp=2026-11-20T09:59:58.000Z\n"
	  "source.ip=10.1.2.3\n"
	  "source.port=5000\n"
	  "destination.ip=192.0.2.80\n"
	  "destination.port=443\n"
	  "event.outcome=success\n"
	  "yagura.blocked=false\n"
	  "network.transport=tcp\n"
	  "host.name=fw\n" },
	{ "<134>1 2026-11-20T10:00:00Z cp CheckPoint 7 - [action:\"Drop"
	  "\"; src:\"192.0.2.9\"; dst:\"10.1.2.3\"; proto:\"6\"; s_port"
	  ":\"4000\"; service:\"22\"; product:\"VPN-1 & FireWall-1\"]",
	  "yagura.parser=checkpoint_syslog\n"
	  "@timestamp=2026-11-20T10:00:00.000Z\n"
	  "source.ip=192.0.2.9\n"
	  "source.port=4000\n"
	  "destination.ip=10.1.2.3\n"
	  "destination.port=22\n"
	  "event.outcome=failure\n"
	  "yagura.blocked=true\n"
	  "network.transport=tcp\n"
	  "observer.name=cp\n" },
	{ "{\"timestamp\":\"2026-11-20T10:00:00.1+0900\",\"src_ip\":\"1"
	  "92.0.2.9\",\"src_port\":\"4000\",\"n\":{\"a.b\":1},\"n.c\":2"
	  "}",
	  "yagura.parser=generic_json\n"
	  "@timestamp=2026-11-20T01:00:00.100Z\n"
	  "source.ip=192.0.2.9\n"
	  "source.port=4000\n" },
	{ "{\"time\":1795168798123456,\"user\":{\"name\":\"hana\"}}",
	  "yagura.parser=generic_json\n"
	  "@timestamp=2026-11-20T09:59:58.123456Z\n"
	  "user.name=hana\n" },
	{ "<13>Nov 20 10:00:00 h app: {\"src_ip\":\"192.0.2.9\",\"inner"
	  "\":\"{\\\"x\\\":1}\"}",
	  "yagura.parser=generic_json\n"
	  "@timestamp=2026-11-20T10:00:00.000Z\n"
	  "source.ip=192.0.2.9\n"
	  "host.name=h\n" },
	{ "{\"message\":\"<30>Nov 20 10:00:00 ns1 named[77]: client @0x7f"
	  " 192.0.2.9#5353 (a.example.org): query: a.example.org IN A +"
	  " (10.0.0.53)\"}",
	  "yagura.parser=isc_bind\n"
	  "@timestamp=2026-11-20T10:00:00.000Z\n"
	  "source.ip=192.0.2.9\n"
	  "host.name=ns1\n"
	  "dns.question.name=a.example.org\n" },
	{ "{\"message\":\"CEF:0|Acme|Gate|1|7|n|5|src=192.0.2.9 suser=h"
	  "ana\",\"host\":\"h1\"}",
	  "yagura.parser=generic_cef\n"
	  "source.ip=192.0.2.9\n"
	  "user.name=hana\n"
	  "host.name=h1\n"
	  "rule.name=n\n" },
	{ "6/5/2026 10:00:32 AM 0D0C PACKET  000000 UDP Rcv 10.1.2.3   "
	  "     0001   Q [0001   D   NOERROR] A      (3)www(7)example(3"
	  ")org(0)",
	  "yagura.parser=windows_dns\n"
	  "@timestamp=2026-06-05T10:00:32.000Z\n"
	  "source.ip=10.1.2.3\n"
	  "network.transport=udp\n"
	  "dns.question.name=www.example.org\n" },
	{ "2026/6/5 10:00:32 0D0C PACKET  000000 UDP Snd 10.1.2.3      "
	  "  0001 R Q [8081   DR  NOERROR] A      (3)www(7)example(3)or"
	  "g(0)",
	  "yagura.parser=windows_dns\n"
	  "@timestamp=2026-06-05T10:00:32.000Z\n"
	  "destination.ip=10.1.2.3\n"
	  "event.outcome=success\n"
	  "network.transport=udp\n"
	  "dns.question.name=www.example.org\n" },
	{ "05.06.2026 10:00:32 0D0C PACKET  000000 UDP Rcv 10.1.2.3    "
	  "    0001   Q [0001   D   NOERROR] A      (3)www(7)example(3)"
	  "org(0)",
	  "yagura.parser=windows_dns\n"
	  "@timestamp=2026-06-05T10:00:32.000Z\n"
	  "source.ip=10.1.2.3\n"
	  "network.transport=udp\n"
	  "dns.question.name=www.example.org\n" },
	{ "15-Jan-2026 12:30:45.123 queries: info: client @0x7f 10.1.2."
	  "3#5000 (www.example.org): view internal: query: www.example."
	  "org IN A +E(0)K (10.1.0.53)",
	  "yagura.parser=isc_bind\n"
	  "@timestamp=2026-01-15T12:30:45.123Z\n"
	  "source.ip=10.1.2.3\n"
	  "source.port=5000\n"
	  "destination.ip=10.1.0.53\n"
	  "network.transport=udp\n"
	  "dns.question.name=www.example.org\n" },
	{ "Nov 20 10:00:00 ns named[7]: client 10.1.2.3#5000: UDP: quer"
	  "y: www.example.org IN A response: NOERROR + www.example.org."
	  " 60 IN A 192.0.2.80;",
	  "yagura.parser=isc_bind\n"
	  "@timestamp=2026-11-20T10:00:00.000Z\n"
	  "source.ip=10.1.2.3\n"
	  "source.port=5000\n"
	  "network.transport=udp\n"
	  "host.name=ns\n"
	  "dns.question.name=www.example.org\n" },
	{ "Nov 20 10:00:00 gw kernel: myprefixIN=eth0 OUT= MAC=02:00:00"
	  ":00:00:01:02:00:00:00:00:02:08:00 SRC=192.0.2.9 DST=10.1.2.3"
	  " LEN=60 TOS=0x00 PREC=0x00 TTL=50 ID=1 DF PROTO=UDP SPT=4000"
	  " DPT=53 LEN=40",
	  "yagura.parser=linux_iptables\n"
	  "@timestamp=2026-11-20T10:00:00.000Z\n"
	  "source.ip=192.0.2.9\n"
	  "source.port=4000\n"
	  "destination.ip=10.1.2.3\n"
	  "destination.port=53\n"
	  "yagura.blocked=unknown\n"
	  "network.transport=udp\n"
	  "host.name=gw\n"
	  "rule.name=myprefix\n" },
	{ "Nov 20 10:00:00 h sshd[7]: Failed password for invalid user "
	  "root from 192.0.2.1 port 22 ssh2 from 192.0.2.9 port 4000 ss"
	  "h2",
	  "yagura.parser=linux_sshd\n"
	  "@timestamp=2026-11-20T10:00:00.000Z\n"
	  "source.ip=192.0.2.9\n"
	  "source.port=4000\n"
	  "user.name=root from 192.0.2.1 port 22 ssh2\n"
	  "event.outcome=failure\n"
	  "yagura.blocked=true\n"
	  "network.transport=tcp\n"
	  "host.name=h\n"
	  "process.name=sshd\n" },
	{ "Nov 20 10:00:00 h sshd[7]: Failed password for invalid user "
	  "two words from 192.0.2.9 port 4000 ssh2",
	  "yagura.parser=linux_sshd\n"
	  "@timestamp=2026-11-20T10:00:00.000Z\n"
	  "source.ip=192.0.2.9\n"
	  "source.port=4000\n"
	  "user.name=two words\n"
	  "event.outcome=failure\n"
	  "yagura.blocked=true\n"
	  "network.transport=tcp\n"
	  "host.name=h\n"
	  "process.name=sshd\n" },
	{ "Nov 20 10:00:00 h sshd[7]: PAM 2 more authentication failure"
	  "s; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.9  use"
	  "r=root",
	  "yagura.parser=linux_sshd\n"
	  "@timestamp=2026-11-20T10:00:00.000Z\n"
	  "source.ip=192.0.2.9\n"
	  "user.name=root\n"
	  "event.outcome=failure\n"
	  "yagura.blocked=true\n"
	  "network.transport=tcp\n"
	  "host.name=h\n"
	  "process.name=sshd\n" },
	{ "Nov 20 10:00:00 h sshd[7]: message repeated 3 times: [ Faile"
	  "d password for root from 192.0.2.9 port 4000 ssh2]",
	  "yagura.parser=linux_sshd\n"
	  "@timestamp=2026-11-20T10:00:00.000Z\n"
	  "source.ip=192.0.2.9\n"
	  "source.port=4000\n"
	  "user.name=root\n"
	  "event.outcome=failure\n"
	  "yagura.blocked=true\n"
	  "network.transport=tcp\n"
	  "host.name=h\n"
	  "process.name=sshd\n" },
	{ "Nov 20 10:00:00 h app[7]: utilisateur refus\xc3\xa9""",
	  "yagura.parser=\n"
	  "@timestamp=2026-11-20T10:00:00.000Z\n"
	  "host.name=h\n" },
	{ "{\"Event\":\"<Event xmlns='http://schemas.microsoft.com/win/"
	  "2004/08/events/event'><System><Provider Name='Microsoft-Wind"
	  "ows-Security-Auditing'/><EventID>4624</EventID><TimeCreated "
	  "SystemTime='2026-11-20T10:00:00.1Z'/><Channel>Security</Chan"
	  "nel><Computer>pc-7.corp.example</Computer></System><EventDat"
	  "a><Data Name='TargetUserName'>hana</Data><Data Name='IpAddre"
	  "ss'>-</Data></EventData></Event>\"}",
	  "yagura.parser=windows_eventxml\n"
	  "@timestamp=2026-11-20T10:00:00.100Z\n"
	  "user.name=hana\n"
	  "event.outcome=success\n"
	  "host.name=pc-7.corp.example\n"
	  "winlog.event_id=4624\n" },
	{ "{\"EventTime\":\"2026-11-20 10:00:00\",\"Hostname\":\"pc-7\""
	  ",\"EventID\":4625,\"Channel\":\"Security\",\"SourceName\":\""
	  "Microsoft-Windows-Security-Auditing\",\"TargetUserName\":\"e"
	  "rin\",\"IpAddress\":\"192.0.2.9\",\"IpPort\":\"0\",\"SubStat"
	  "us\":\"0xc000006a\"}",
	  "yagura.parser=windows_flat\n"
	  "@timestamp=2026-11-20T10:00:00.000Z\n"
	  "source.ip=192.0.2.9\n"
	  "user.name=erin\n"
	  "event.outcome=failure\n"
	  "yagura.blocked=true\n"
	  "host.name=pc-7\n"
	  "winlog.event_id=4625\n" },
	{ "{\"@timestamp\":\"2026-11-20T10:00:00.123Z\",\"winlog\":{\"c"
	  "hannel\":\"Microsoft-Windows-Sysmon/Operational\",\"event_id"
	  "\":\"1\",\"computer_name\":\"pc-7\",\"event_data\":{\"Image"
	  "\":\"C:\\\\a.exe\",\"CommandLine\":\"a.exe -x\",\"Hashes\":"
	  "\"SHA1=DA39A3EE5E6B4B0D3255BFEF95601890AFD80709,MD5=D41D8CD9"
	  "8F00B204E9800998ECF8427E\",\"User\":\"CORP\\\\hana\"}}}",
	  "yagura.parser=windows_winlogbeat\n"
	  "@timestamp=2026-11-20T10:00:00.123Z\n"
	  "user.name=hana\n"
	  "host.name=pc-7\n"
	  "process.name=a.exe\n"
	  "process.hash.sha1=da39a3ee5e6b4b0d3255bfef95601890afd80709\n"
	  "winlog.event_id=1\n" },
	{ "{\"win\":{\"system\":{\"channel\":\"Security\",\"eventID\":"
	  "\"4624\",\"computer\":\"pc-7\",\"systemTime\":\"2026-11-20T1"
	  "0:00:00.1Z\",\"providerName\":\"Microsoft-Windows-Security-A"
	  "uditing\"},\"eventdata\":{\"targetUserName\":\"hana\",\"ipAd"
	  "dress\":\"192.0.2.9\"}}}",
	  "yagura.parser=windows_wazuh\n"
	  "@timestamp=2026-11-20T10:00:00.100Z\n"
	  "source.ip=192.0.2.9\n"
	  "user.name=hana\n"
	  "event.outcome=success\n"
	  "host.name=pc-7\n"
	  "winlog.event_id=4624\n" },
	{ "<134>Nov 20 10:00:00 z NSS: \tdatetime=2026-11-20 10:00:00\t"
	  "reason=\"Allowed\"\tevent_id=7\tprotocol=HTTPS\taction=Allow"
	  "ed\thostname=www.example.org\turl=\"www.example.org/a\"\tuse"
	  "r=hana@example.org\tClientIP=10.1.2.3\tserverip=192.0.2.80",
	  "yagura.parser=zscaler_nss_kv\n"
	  "@timestamp=2026-11-20T10:00:00.000Z\n"
	  "source.ip=10.1.2.3\n"
	  "destination.ip=192.0.2.80\n"
	  "user.name=hana@example.org\n"
	  "event.outcome=success\n"
	  "yagura.blocked=false\n"
	  "host.name=z\n"
	  "url.domain=www.example.org\n" },
	{ "Nov 20 10:00:00 pf filterlog[7]: 5,,,1000000103,em0,match,bl"
	  "ock,in,4,0x0,,64,1,0,DF,6,tcp,60,192.0.2.9,10.1.2.3,4000,22,"
	  "0,S,1,,64240,,mss",
	  "yagura.parser=pf_filterlog\n"
	  "@timestamp=2026-11-20T10:00:00.000Z\n"
	  "source.ip=192.0.2.9\n"
	  "source.port=4000\n"
	  "destination.ip=10.1.2.3\n"
	  "destination.port=22\n"
	  "event.outcome=failure\n"
	  "yagura.blocked=true\n"
	  "network.transport=tcp\n"
	  "observer.name=pf\n" },
	{ "<134>1 2026-11-20T10:00:00+09:00 opn.example filterlog 7 - ["
	  "meta sequenceId=\"1\"] 5,,,x,igb0,match,pass,out,4,0x0,,64,1"
	  ",0,none,1,icmp,84,10.1.2.3,192.0.2.9,request,7,1,64",
	  "yagura.parser=pf_filterlog\n"
	  "@timestamp=2026-11-20T01:00:00.000Z\n"
	  "source.ip=10.1.2.3\n"
	  "destination.ip=192.0.2.9\n"
	  "event.outcome=success\n"
	  "yagura.blocked=false\n"
	  "network.transport=icmp\n"
	  "observer.name=opn.example\n" },
	{ "Nov 20 10:00:00 pf filterlog: 9,,,x,em0,match,block,in,6,0x0"
	  "0,0x00000,1,UDP,17,104,2001:db8::9,ff02::fb,5353,5353,104",
	  "yagura.parser=pf_filterlog\n"
	  "@timestamp=2026-11-20T10:00:00.000Z\n"
	  "source.ip=2001:db8::9\n"
	  "source.port=5353\n"
	  "destination.ip=ff02::fb\n"
	  "destination.port=5353\n"
	  "event.outcome=failure\n"
	  "yagura.blocked=true\n"
	  "network.transport=udp\n"
	  "observer.name=pf\n" },
};

/* The time as printed, everything else as text. */
static const char *
value_of(const struct event *event, const char *name)
{
	static char buf[TIME_TEXT_BYTES + 1];
	struct slice text;

	if (strcmp(name, "@timestamp") != 0)
		return field(event, name);
	text = time_format_rfc3339(event->time_ns, buf);
	buf[text.len] = '\0';
	return buf;
}

static bool
row_holds(const struct row *row)
{
	const struct event *event = lane_line(row->line);
	char expect[1024], *next = expect, *name;
	bool good = true;

	assert_true(strlen(row->expect) < sizeof(expect));
	strcpy(expect, row->expect);
	while ((name = strsep(&next, "\n")) != NULL && *name != '\0') {
		char *value = strchr(name, '=');
		const char *is;

		assert_non_null(value);
		*value++ = '\0';
		is = value_of(event, name);
		if (strcmp(is, value) == 0)
			continue;
		print_message("%.70s\n  %s: %s, not %s\n", row->line, name,
		    is, value);
		good = false;
	}
	return good;
}

static void
reads_every_odd_line(void **state)
{
	size_t bad = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		bad += !row_holds(&rows[i]);
	assert_int_equal(bad, 0);
}

static int
begin(void **state)
{
	static const char *const paths[] = { "parsers/defs" };
	struct diag *diag = diag_new();

	(void)state;
	set = parserset_load(paths, 1, diag);
	diag_print(diag, stderr);
	assert_int_equal(diag_errors(diag), 0);
	diag_free(diag);
	lane = parser_lane_new(set);
	batch = batch_new(1, 1);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	lane_end();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_every_odd_line),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
