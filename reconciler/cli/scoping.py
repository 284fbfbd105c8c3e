"""What a run is narrowed to, as it is written on the command line: `--target`, `--exclude`, `--selector`, `@FILE`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.errors import TdrError, UsageError

if TYPE_CHECKING:
    from reconciler.commands.asking import Asked
    from reconciler.model.scope import Scope

_FILE_HINT = "write one address or glob a line; what follows a # is a comment"


def scope(target: Sequence[str] | None, exclude: Sequence[str] | None, selector: Sequence[str] | None) -> Scope:
    """What the three options narrow a run to; everything when none is given.

    Raises:
        UsageError: one of them is written wrongly, or a file cannot be read or names nothing.
    """
    from reconciler.model.scope import EVERYTHING, Scope, Selector

    if not (target or exclude or selector):
        return EVERYTHING
    try:
        for text in selector or ():
            Selector.parse(text)
    except ValueError as error:
        raise UsageError(f"--selector: {error}", hint="labels stand under metadata.labels of a document") from error
    return Scope(
        targets=patterns("--target", target),
        excludes=patterns("--exclude", exclude),
        selectors=tuple(dict.fromkeys(selector or ())),
    )


def asked(
    target: Sequence[str] | None,
    exclude: Sequence[str] | None,
    selector: Sequence[str] | None,
    replacing: Sequence[str] | None,
) -> Asked:
    """What a plan is asked for by these options.

    Raises:
        UsageError: as `scope`; or something is to be replaced that is written wrongly.
    """
    from reconciler.commands.asking import Asked

    return Asked(scope(target, exclude, selector), patterns("--replace", replacing))


def patterns(flag: str, texts: Sequence[str] | None) -> tuple[str, ...]:
    """The addresses and globs of *flag*, each once, those of files in place of their names.

    Raises:
        UsageError: one is neither an address nor a glob, or a file cannot be read or names nothing.
    """
    from reconciler.model.scope import check_pattern

    found: list[str] = []
    for text in texts or ():
        for where, pattern in _of_file(flag, text) if text.startswith("@") else ((flag, text),):
            try:
                check_pattern(pattern)
            except ValueError as error:
                raise UsageError(f"{where}: {error}", hint="or a glob, such as activation/vip-*") from error
            found.append(pattern)
    return tuple(dict.fromkeys(found))


def _of_file(flag: str, text: str) -> Iterator[tuple[str, str]]:
    """Place and pattern of each line that says something. A file that names nothing must not come to mean everything."""
    from reconciler.commands.given_files import content

    name = text.removeprefix("@")
    try:
        lines = content(Path(name), _FILE_HINT).decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise UsageError(f"{flag} {text}: the file is not UTF-8", hint=_FILE_HINT) from error
    except TdrError as error:
        raise UsageError(f"{flag} {text}: {error.message}", hint=error.hint) from error
    said = [(number, line.partition("#")[0].strip()) for number, line in enumerate(lines, 1)]
    if not any(pattern for _, pattern in said):
        raise UsageError(f"{flag} {text}: the file names nothing", hint=_FILE_HINT)
    for number, pattern in said:
        if pattern:
            yield f"{name}:{number}", pattern
