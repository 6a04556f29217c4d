"""From the YAML file to a specification, with the line of every fault."""
