"""Drafts as files: one folder a kind, one file a document; a file that is there is never touched."""

from __future__ import annotations

import errno
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reconciler.adoption.drafting import Draft, Reference
from reconciler.errors import TdrError
from reconciler.manifest.interpolation import escaped
from reconciler.manifest.key_order import ordered
from reconciler.manifest.rendering import Bare, entry
from reconciler.model.address import Address
from reconciler.model.kinds import KINDS
from reconciler.model.spec import API_VERSION

LONGEST_INLINE = 100
"""Characters of SQL that stand in the document; more, or more than one line, goes to a file beside it."""
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK}
"""What file systems say that know no second name for a file."""


@dataclass(frozen=True, slots=True)
class File:
    """A file to write. *path* is relative to the project."""

    path: str
    text: str


def folder(kind: str) -> str:
    """``audiences`` of ``audience``, ``queries`` of ``query``."""
    return f"{kind[:-1]}ies" if kind.endswith("y") else f"{kind}s"


def document_path(manifests: str, address: Address) -> str:
    """Where the document of *address* is written, relative to the project."""
    return _beside(manifests, address, ".yaml")


def project_folder(address: Address) -> str:
    """Where the files of a workflow project are written; not among the manifests, for they may look like some."""
    return f"workflows/{address.name}"


def is_free(root: Path, manifests: str, address: Address) -> bool:
    """Whether nothing is there where the document of *address*, and its SQL, would be written."""
    if address.kind == "workflow" and (root / project_folder(address)).exists():
        return False
    return not any((root / _beside(manifests, address, suffix)).exists() for suffix in (".yaml", ".sql"))


def files(drafts: Iterable[Draft], manifests: str) -> Iterator[File]:
    """The files of *drafts*, in their order, as `tdr fmt` leaves them."""
    for draft in drafts:
        given = draft.tree
        if draft.address.kind == "workflow":
            yield from (File(f"{project_folder(draft.address)}/{path}", text) for path, text in given["files"].items())
            given = {key: value for key, value in given.items() if key != "files"}
            given = {"directory": project_folder(draft.address), **given}
        tree, sql = _with_sql_apart(ordered(given, KINDS[draft.kind]), _beside(manifests, draft.address, ".sql"))
        lines = [f"apiVersion: {API_VERSION}", f"kind: {draft.kind}"]
        lines += entry("metadata", {"name": draft.address.name}, 0)
        lines += entry("spec", _written(tree), 0) if tree else ["spec: {}"]
        lines += entry("lifecycle", {"protect": Bare("true")}, 0)
        # First what the document names: whoever is stopped between the two leaves a project that reads.
        if sql is not None:
            yield File(_beside(manifests, draft.address, ".sql"), sql)
        yield File(document_path(manifests, draft.address), "\n".join([*lines, ""]))


def write(root: Path, new: Iterable[File]) -> list[str]:
    """Write files that are not there yet; returns their paths.

    Raises:
        TdrError: one is there, or cannot be written. Those before it are written, and of it nothing is left.
    """
    paths = []
    for file in new:
        path = root / file.path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _create(path, file.text.encode())
        except OSError as error:
            raise TdrError(
                f"{file.path!r} cannot be written: {error.strerror}",
                hint="run the command again; it goes on where it stopped",
            ) from error
        paths.append(file.path)
    return paths


def _create(path: Path, content: bytes) -> None:
    """Make *path*, whole or not at all, also when the process is killed. Raises OSError; FileExistsError when it is there.

    Not synced: ten thousand documents would take minutes, and what a power cut takes the next import writes again.
    """
    staged = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        staged.write_bytes(content)
        # A link, for a rename would take the place of what somebody else wrote meanwhile.
        path.hardlink_to(staged)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        with path.open("xb") as opened:
            opened.write(content)
    finally:
        with suppress(OSError):
            staged.unlink()


def _beside(manifests: str, address: Address, suffix: str) -> str:
    return (Path(manifests) / folder(address.kind) / f"{address.name}{suffix}").as_posix()


def _with_sql_apart(tree: Mapping[str, Any], path: str) -> tuple[dict[str, Any], str | None]:
    """*tree* with long SQL replaced by the *path* of a file, and that SQL."""
    apart: str | None = None
    shortened: dict[str, Any] = {}
    for key, value in tree.items():
        if key == "sql" and ("\n" in value or len(value) > LONGEST_INLINE):
            shortened["file"], apart = path, value + "\n"
        elif isinstance(value, Mapping):
            shortened[key], below = _with_sql_apart(value, path)
            apart = below if apart is None else apart
        else:
            shortened[key] = value
    return shortened, apart


def _written(value: Any) -> Any:
    """*value* as a person would write it: numbers bare, references as text, and no text that reads as a reference."""
    match value:
        case Reference(name):
            return f"${{secret:env:{name}}}"
        case Mapping():
            return {key: _written(below) for key, below in value.items()}
        case list() | tuple():
            return [_written(below) for below in value]
        case bool() | int():
            return Bare(str(value).lower())
        case str():
            return escaped(value)
        case _:
            return value
