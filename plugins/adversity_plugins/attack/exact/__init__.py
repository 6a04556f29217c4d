"""The exact smallest change, for victims whose structure allows it."""
