"""The verdict, and what speaks against a figure."""
