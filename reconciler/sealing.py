"""Encryption at rest for what must be kept: credentials, tokens, results.

The key lives outside the project, in `TDR_KEY` or in a file of the user's configuration folder.
"""
