--format
xml
failed
