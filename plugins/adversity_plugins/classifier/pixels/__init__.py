"""Classifiers of scikit-learn on pixels."""
