"""One plugin, called safely: in blocks of one size, on its device, with every check of its answer."""
