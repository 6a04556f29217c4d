"""Charts: which curve shows what, in which form and style."""
