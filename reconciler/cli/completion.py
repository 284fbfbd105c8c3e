"""Completion in shells: the verb that prints their scripts, and what the scripts ask.

typer has scripts of its own. Its zsh runs what it is answered, in which names from files stand, and its bash knows no `=`.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer

ASKED: Final = "__complete"
"""First word of the command line by which a script asks. No verb, for no person has a use for it."""
_SCRIPTS: Final = Path(__file__).parent / "completion_scripts"
_PLAIN: Final = re.compile(r"[\w./=:@+-]+", re.ASCII)
"""What no shell makes anything of. A word with anything else in it is not offered: it may come from a file that was fetched."""
_REDIRECTION: Final = re.compile(r"\d*(?:[<>]|&>).*")


class Shell(StrEnum):
    """Shells that have a script."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command()(completion)


def completion(
    shell: Annotated[Shell, typer.Argument(help="Whose: bash, zsh or fish.", metavar="SHELL")],
) -> None:
    """Print the script by which a shell completes verbs, options, their values and the addresses of a project."""
    sys.stdout.write((_SCRIPTS / f"tdr.{shell.value}").read_text(encoding="utf-8"))


def answer(tree: Any, asked: Sequence[str]) -> int:
    """Print what may stand at the cursor, and return the exit code. Whatever goes wrong, a person who types hears nothing of it.

    asked: the shell and, of bash, the line up to the cursor and the word that it would replace; of the others, the words
    behind `tdr`, the one at the cursor last. The first line that is printed is ``none``, ``files`` or ``folders`` and how many
    characters stand before a path; each other is a word, a tab, and what it means.
    """
    from reconciler.cli.completing import offer

    try:
        shell, *rest = asked
        words, replaced = _of_bash(*rest) if shell == Shell.BASH else (rest, rest[-1])
        current = words[-1]
        offered = offer(tree, words[:-1], current)
    except Exception:  # noqa: BLE001 - see above
        return 1
    # bash takes `=` for the end of a word, and replaces what is behind it.
    kept = len(current) - len(replaced) if current.endswith(replaced) else 0
    lines = [f"{offered.paths.value} {max(offered.before - kept, 0)}"]
    lines += [f"{word[kept:]}\t{about}" for word, about in offered.words.items() if _PLAIN.fullmatch(word)]
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0


def _of_bash(line: str, replaced: str) -> tuple[list[str], str]:
    """The words of *line* behind `tdr`, the one at the cursor last, as bash reads them; and what it would replace."""
    for closing in ("", '"', "'"):
        try:
            words = shlex.split(line + closing)
        except ValueError:  # a quote that is still open, or a backslash at the end
            continue
        if not closing and line[-1:].isspace() and not line.endswith("\\ "):
            words.append("")
        return _without_redirections(words[1:]) or [""], replaced
    return [""], ""


def _without_redirections(words: Sequence[str]) -> list[str]:
    kept: list[str] = []
    is_target = False
    for word in words:
        if is_target:
            is_target = False
        elif _REDIRECTION.fullmatch(word):
            is_target = word.endswith(("<", ">"))
        else:
            kept.append(word)
    return kept
