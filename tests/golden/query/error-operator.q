failed | stat count by user
