"""Data sets looked at before anything rests on them: what is in them, what is wrong, what they share."""
