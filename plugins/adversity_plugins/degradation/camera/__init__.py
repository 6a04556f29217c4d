"""What a camera does to light: its lens, and the mosaic of colours on its sensor."""
