--json
--since
2026-11-21
--until
2026-11-21
* | stats count
