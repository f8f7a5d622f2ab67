"""The market that ships with the program: a whole day of the three indices and their options, made from a seed."""
