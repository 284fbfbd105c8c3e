"""Writes the reference: `python docs/making/pages.py`, or with `--check` tells which pages differ (exit 2)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import codes_page
import commands_page
import formats_page
import kinds_pages
import variables_page
from tables import MADE

REFERENCE: Final = Path(__file__).parents[1] / "reference"
_INDEX: Final = """# Reference

All of it is made from the source, so it says what this version does.

| Page | Holds |
|---|---|
| [Commands](commands.md) | every verb, argument and option |
| [Kinds](kinds/index.md) | every kind and every field of a document |
| [tdr.yaml](project.md) | settings of a project |
| [Environments](environment.md) | what an environment's file may say |
| [Environment variables](variables.md) | what tdr reads from its process |
| [Documents and formats](documents.md) | every JSON document that is printed |
| [Codes](codes.md) | exit codes, findings, gates, rules: what each means, why, and what now |

```{toctree}
:hidden:

commands
kinds/index
project
environment
variables
documents
codes
```
"""


def pages() -> dict[str, str]:
    """Path below `docs/reference/` -> the text that belongs there."""
    made = {"index.md": f"{MADE}\n\n{_INDEX}"}
    for module in (commands_page, kinds_pages, variables_page, formats_page, codes_page):
        made |= module.pages()
    return made


def differing() -> list[str]:
    """Pages that are not as they would be made now, those that nothing makes any more among them. Sorted."""
    made = pages()
    there = {path.relative_to(REFERENCE).as_posix(): path for path in REFERENCE.rglob("*.md")}
    changed = [name for name, text in made.items() if name not in there or there[name].read_text("utf-8") != text]
    return sorted({*changed, *(there.keys() - made.keys())})


def write() -> None:
    """Write all pages, and remove those that nothing makes any more."""
    made = pages()
    for path in REFERENCE.rglob("*.md"):
        if path.relative_to(REFERENCE).as_posix() not in made:
            path.unlink()
    for name, text in made.items():
        path = REFERENCE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    if "--check" in sys.argv[1:]:
        stale = differing()
        print(*stale, sep="\n", end="\n" if stale else "")
        sys.exit(2 if stale else 0)
    write()
