"""Classifiers made of other ones, which they fit: bagging, boosting."""
