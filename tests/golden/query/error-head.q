* | head ten
