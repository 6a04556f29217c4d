"""One plugin on trial: what a check is, and the process it runs in."""
