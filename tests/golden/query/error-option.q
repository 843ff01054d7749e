--sinse
-24h
failed
