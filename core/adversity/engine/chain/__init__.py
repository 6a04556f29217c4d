"""Restoration, classifier, calibrator as one function: what an attack asks, and is judged on."""
