"""MAXIM: a network for several restorations, and its weights out of the files that carry them."""
