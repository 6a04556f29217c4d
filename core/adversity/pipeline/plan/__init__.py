"""From the specification to steps, stages and their order, checked against each other."""
