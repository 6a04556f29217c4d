"""One attack on one chain: what it is given, when it stops, and what its figures are worth."""
