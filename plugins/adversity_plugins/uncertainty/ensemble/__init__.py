"""Ensembles: one answer from those of several members."""
