"""What opens the workspace of these tests."""

TOKEN = "dG9rOmZha2VfdG9rZW5fb2ZfdGVzdHM="
