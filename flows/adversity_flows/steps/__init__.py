"""The steps of one run: which remain, and how each is run."""
