"""Human studies: people say which of two images is better, without knowing who made them."""
