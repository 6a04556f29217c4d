"""How numbers, names and places in a report are written and found."""
