"""Light, lenses and places between pixels, as degradations and restorations both need them."""
