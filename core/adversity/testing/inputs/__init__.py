"""What plugins are tried on: images, side information, tables, samples."""
