src:web-01
