"""Documents as pages of HTML. A page is one file: it loads nothing, sends nothing, and reads without its script."""
