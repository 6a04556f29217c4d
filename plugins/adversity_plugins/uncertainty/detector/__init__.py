"""Detectors: how unlike the fitting data a sample is, by its features."""
