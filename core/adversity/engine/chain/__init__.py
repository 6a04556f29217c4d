"""Restoration, classifier, calibrator as one function: what an attack queries, and is judged on."""
