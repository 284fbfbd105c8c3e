"""Files of a bucket, fetched to the disk before they are read: the engine of rows itself reaches no network."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path, PurePath, PurePosixPath
from typing import Final

from reconciler.errors import Permanent
from reconciler.ports.buckets import Bucket
from reconciler.ports.exports import Progress

_SIGNS: Final = re.compile(r"[*?\[]")


def fetch(bucket: Bucket, patterns: Sequence[str], folder: Path, progress: Progress) -> None:
    """Fetch the objects whose keys match *patterns* into *folder*, under their keys.

    Raises:
        Permanent: a pattern leaves the bucket's folder, or matches nothing.
        TdrError: the store cannot be reached or refuses.
    """
    wanted: dict[str, int] = {}
    for pattern in patterns:
        parts = PurePosixPath(pattern).parts
        if pattern.startswith("/") or ".." in parts:
            raise Permanent(f"path {pattern!r} leaves the folder of the source", hint="write paths relative to it")
        literal = list(parts[:-1])
        for number, part in enumerate(literal):
            if _SIGNS.search(part):
                literal = literal[:number]
                break
        rule = re.compile(_expression(pattern))
        # A key that would leave the folder here names no file there that anybody could mean.
        found = {
            key: size
            for key, size in bucket.sizes("/".join(literal)).items()
            if rule.fullmatch(key) and ".." not in PurePosixPath(key).parts and is_meant(PurePosixPath(key), pattern)
        }
        if not found:
            raise Permanent(f"no file in {bucket.where} matches {pattern!r}", hint="paths are relative to its prefix")
        wanted |= found
    for number, key in enumerate(sorted(wanted), start=1):
        target = folder / key
        target.parent.mkdir(parents=True, exist_ok=True)
        bucket.fetch(key, target)
        progress(0, 0, f"fetched file {number} of {len(wanted)}, {wanted[key]:,} bytes: {key}")


def is_meant(path: PurePath, pattern: str) -> bool:
    """Whether a glob that matches *path* means it: a name that begins with a dot only if the glob says one.

    Such names have, among others, files that somebody is just writing.
    """
    return not any(part.startswith(".") for part in path.parts) or any(
        part.startswith(".") for part in PurePosixPath(pattern).parts
    )


def _expression(pattern: str) -> str:
    """A glob as a regular expression: ``*`` and ``?`` stay inside one folder, ``**`` is any number of folders."""
    parts = []
    place = 0
    while place < len(pattern):
        if pattern.startswith("**/", place):
            parts.append("(?:[^/]+/)*")
            place += 3
        elif pattern.startswith("**", place):
            parts.append(".*")
            place += 2
        elif pattern[place] == "*":
            parts.append("[^/]*")
            place += 1
        elif pattern[place] == "?":
            parts.append("[^/]")
            place += 1
        elif pattern[place] == "[" and (end := pattern.find("]", place + 2)) > 0:
            inside = pattern[place + 1 : end]
            negated, inside = ("^", inside[1:]) if inside[0] in "!^" else ("", inside)
            parts.append(f"[{negated}{re.escape(inside).replace(chr(92) + '-', '-')}]")
            place = end + 1
        else:
            parts.append(re.escape(pattern[place]))
            place += 1
    return "".join(parts)
