--since
lately
failed
