"""What a project names, seen without reading it: a person who presses a key waits for it.

The loader parses every document, and refuses a project as a whole. Here a few lines of each file are looked at, so that a
manifest that is being written hides neither itself nor the others. Nothing is asked of anyone, and nothing is complained of.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from reconciler.model.address import NAME, Address

_SETTINGS: Final = "tdr.yaml"
_MANIFESTS: Final = "manifests"
_ENVIRONMENTS: Final = "environments"
_SUFFIXES: Final = (".yaml", ".yml")
_BUILT_IN: Final = "local"
_LARGEST_BYTES: Final = 16 * 1024 * 1024
"""Of a file that is looked at."""

_BETWEEN: Final = re.compile(r"^---(?=\s|$)", re.MULTILINE)
_KIND: Final = re.compile(r"""^["']?kind["']?:[ \t]+["']?([A-Za-z]+)["']?[ \t]*(?:\#.*)?$""", re.MULTILINE)
_METADATA: Final = re.compile(r"""^["']?metadata["']?:[ \t]*""", re.MULTILINE)
_NAME: Final = rf"""["']?name["']?:[ \t]+(?P<quote>["']?)(?P<name>{NAME.pattern})(?P=quote)(?=[\s,}}]|$)"""
_IN_BRACES: Final = re.compile(rf"""\{{\s*(?:(?:[^{{}}]|\{{[^{{}}]*\}})*?[,\s])??{_NAME}""")
"""Behind other keys, whose values may have braces of their own."""
_ON_A_LINE: Final = re.compile(_NAME)


def root_of(start: Path) -> Path | None:
    """The folder of the project around the folder *start*; None where there is none."""
    try:
        begin = start.expanduser().resolve()
        return next((folder for folder in (begin, *begin.parents) if (folder / _SETTINGS).is_file()), None)
    except (OSError, RuntimeError, ValueError):  # a loop of links, nobody's home, a NUL
        return None


def addresses(start: Path) -> list[str]:
    """Addresses of what the project around the folder *start* declares, sorted; [] where there is no project."""
    root = root_of(start)
    if root is None:
        return []
    found: set[str] = set()
    for path in _files(root):
        try:
            if path.stat().st_size <= _LARGEST_BYTES:
                found.update(_named(path.read_text(encoding="utf-8", errors="replace")))
        except OSError:
            continue
    return sorted(found)


def environments(start: Path) -> list[str]:
    """Names of the environments of the project around the folder *start*, sorted; [] where there is no project."""
    root = root_of(start)
    if root is None:
        return []
    settings = _settings(root)
    written = settings.get(_ENVIRONMENTS)
    found = {name for name in written if isinstance(name, str)} if isinstance(written, dict) else set()
    try:
        within = sorted((_manifests(root, settings) / _ENVIRONMENTS).iterdir())
    except OSError:
        within = []
    found.update(path.stem for path in within if path.suffix in _SUFFIXES and not path.name.startswith("."))
    return sorted(name for name in found if NAME.fullmatch(name)) or [_BUILT_IN]


def _settings(root: Path) -> dict[object, object]:
    import yaml  # only where a project is looked at

    try:
        told = yaml.safe_load((root / _SETTINGS).read_bytes())
    except (OSError, ValueError, RecursionError, yaml.YAMLError):
        return {}
    return told if isinstance(told, dict) else {}


def _manifests(root: Path, settings: dict[object, object]) -> Path:
    """The folder of the manifests; where `tdr.yaml` names one outside of the project, which no verb takes, the usual one."""
    written = settings.get("manifests")
    folder = root / (written if isinstance(written, str) and "\0" not in written else _MANIFESTS)
    return folder if folder.resolve().is_relative_to(root) else root / _MANIFESTS


def _files(root: Path) -> Iterator[Path]:
    folder = _manifests(root, _settings(root))
    for parent, folders, names in os.walk(folder):
        at = Path(parent)
        folders[:] = [name for name in folders if not name.startswith(".") and (at, name) != (folder, _ENVIRONMENTS)]
        yield from (at / name for name in names if name.endswith(_SUFFIXES) and not name.startswith("."))


def _named(text: str) -> Iterator[str]:
    for document in _BETWEEN.split(text.replace("\r\n", "\n")):
        kind, metadata = _KIND.search(document), _METADATA.search(document)
        if kind and metadata:
            name = _name(document[metadata.end() :])
            if name:
                yield str(Address.of(kind[1], name))


def _name(rest: str) -> str | None:
    """The name in what follows ``metadata:``: in braces, or on one of the lines below that stand in as far as the first."""
    if rest.startswith("{"):
        found = _IN_BRACES.match(rest)
        return found["name"] if found else None
    depth = 0
    for line in rest.split("\n")[1:]:
        text = line.lstrip(" ")
        if not text.strip() or text.startswith("#"):
            continue
        depth = depth or len(line) - len(text)
        if len(line) - len(text) < depth or not depth:
            return None
        if len(line) - len(text) == depth and (found := _ON_A_LINE.match(text)):
            return found["name"]
    return None
