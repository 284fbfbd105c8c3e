"""Values into text: one document each for plans, runs and drift, and renderings of those documents.

Every format shows the same document, so what one hides, all hide. Nothing here prints, asks or exits.
"""
