"""What is read afterwards: a home's database and message log, as plain data; `text` puts it into words for people."""
