"""`adversity doctor`: what is missing or does not fit."""
