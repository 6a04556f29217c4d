"""`adversity data`: what data sets hold, their versions, and what is wrong with them."""
