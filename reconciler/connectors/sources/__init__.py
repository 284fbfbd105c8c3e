"""Places that rows are read from: each makes them a relation of the SQL connection it is given. So far files."""
