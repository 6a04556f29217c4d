"""Gates: their text, what can be judged at all, and the verdict."""
