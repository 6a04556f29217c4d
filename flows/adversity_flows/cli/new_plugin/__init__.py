"""`adversity new-plugin`: questions, files, command."""
