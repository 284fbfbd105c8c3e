"""The command line: parses, calls `commands`, prints what `reports` render. The only place that knows typer.

Results go to stdout, everything else to stderr. Heavy imports happen inside the verbs that need them, so that `--help` and
`version` answer at once.
"""
