"""Everything the actors say to each other: commands are imperative, events past tense, queries `Get...`."""
