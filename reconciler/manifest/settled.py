"""What the last plan found to be exactly as declared, so that the next one need not work it out again.

Only digests are kept: of the document, and of what was remembered and observed with it (see
`commands.settling`, which also says what all of them depend on). A damaged, missing or foreign file is as none: what is not
known to be settled is looked at in full.
"""

from __future__ import annotations

import contextlib
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from reconciler.manifest.cache import replace_file
from reconciler.manifest.tree import Tree

FORMAT = 1
"""Grows whenever the same facts would give other digests."""
_HEADER = b"tdr-settled %d %08x\n"
_HEADER_LENGTH = len(_HEADER % (FORMAT, 0))
QUERY = "query"
"""The one kind that settles, as in addresses: it is the one there are thousands of."""
_KEYS = frozenset({"apiVersion", "kind", "metadata", "spec"})
_ODD = re.compile(r"[^A-Za-z0-9._-]")


@dataclass(frozen=True, slots=True)
class Settled:
    """What was found.

    basis: digest over what holds for all of them.
    documents: digest of a query's document -> its name.
    facts: name -> digest of what is remembered and was observed of it.
    """

    basis: str = ""
    documents: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)


NOTHING = Settled()


def may_settle(kind: str, tree: Tree) -> bool:
    """Whether a document says all of itself and nobody names it: a query with its SQL, without a lifecycle."""
    if kind != "Query" or not isinstance(tree, dict) or tree.keys() != _KEYS:
        return False
    spec = tree["spec"]
    return isinstance(spec, dict) and isinstance(spec.get("sql"), str) and "file" not in spec


def read(folder: Path | None, environment: str) -> Settled:
    """What an earlier plan of *environment* left in *folder*."""
    if folder is None:
        return NOTHING
    try:
        data = _file(folder, environment).read_bytes()
        body = data[_HEADER_LENGTH:]
        if data[:_HEADER_LENGTH] != _HEADER % (FORMAT, zlib.crc32(body)):
            return NOTHING
        basis, documents, facts = orjson.loads(body)
    except (OSError, ValueError, TypeError):
        return NOTHING
    is_ours = isinstance(basis, str) and isinstance(documents, dict) and isinstance(facts, dict)
    return Settled(basis, documents, facts) if is_ours else NOTHING


def save(folder: Path, environment: str, settled: Settled) -> None:
    """Keep *settled* for the next plan. Failing to write is no failure."""
    body = orjson.dumps([settled.basis, settled.documents, settled.facts])
    with contextlib.suppress(OSError):
        replace_file(_file(folder, environment), _HEADER % (FORMAT, zlib.crc32(body)) + body)


def _file(folder: Path, environment: str) -> Path:
    return folder / f"settled-{_ODD.sub('_', environment)}.json"
