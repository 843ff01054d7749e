--json
src:2001:db8::/32 OR src:10.20.0.0/16 | stats count
