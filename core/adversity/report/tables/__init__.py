"""Tables of methods against conditions: what is in them, and how they are written for a paper."""
