"""Haze taken away again."""
