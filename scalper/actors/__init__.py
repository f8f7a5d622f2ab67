"""One actor per file; messages are their only common ground."""
