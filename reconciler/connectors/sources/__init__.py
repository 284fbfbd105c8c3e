"""Places that rows are read from."""
