"""Restoration, classifier and calibrator seen as one function: what an attack asks, and is judged on."""
