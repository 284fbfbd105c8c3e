"""What each verb of the command line does: takes a runtime, returns a document and an exit code.

Nothing here prints, asks or exits; what needs a person's yes takes a function that asks.
"""
