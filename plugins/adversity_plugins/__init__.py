"""The built-in plugins: one idea a file, through the same door as third parties."""
