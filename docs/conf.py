"""How the site is made: `make docs`.

Its source is the checkout, so that every relative link is the one that a reader of the files has.
"""

project = "tdr"
author = copyright = "the authors of tdr"  # noqa: A001 - the name that Sphinx reads
root_doc = "docs/index"
extensions = ["myst_parser"]
include_patterns = ["README.md", "CHANGELOG.md", "docs/**.md", "examples/**.md"]
exclude_patterns = [
    ".*",
    "**/state",
    "bench",
    "build",
    "dist",
    "docs/making",
    "reconciler",
    "requirements",
    "state",
    "tests",
]
html_theme = "furo"
html_title = "tdr"
html_extra_path = ["site"]
html_copy_source = False
html_show_sourcelink = False

myst_heading_anchors = 4
myst_links_external_new_tab = False
suppress_warnings: list[str] = []
nitpicky = True
highlight_language = "text"
