failed) root
