"""What software does to an image: tone, colour, compression, fewer pixels, warping."""
