"""Several answers to each image: draws from one network."""
