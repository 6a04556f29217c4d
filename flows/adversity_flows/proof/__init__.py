"""What proves a number: whether all it rests on is as it was, and the number computed once more."""
