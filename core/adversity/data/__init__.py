"""Data sets as the engine reads them, and the files it leaves: tables, arrays, the store."""
