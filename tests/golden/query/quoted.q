--format
raw
"PASSWORD FOR r"
