"""Image files of every format, read exactly or refused."""
