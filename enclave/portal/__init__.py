"""Server-rendered pages for everyone who uses the system. Shows and asks; the stories and the policies decide."""
