"""One plugin, called safely: in blocks, on its device, with every check of its answer."""
