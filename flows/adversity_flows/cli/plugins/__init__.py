"""`adversity plugins` and `adversity check`: what is installed, and whether it keeps its promises."""
