"""Blur undone, by a kernel that is told or found."""
