"""What Treasure Data cannot hold, said before anything is sent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from reconciler.diagnostics import Diagnostic, Severity
from reconciler.model.address import Address
from reconciler.model.queries import Engine

SHORTEST_NAME: Final = 3  # "Validation failed: Name is too short", td-client-java tests
LONGEST_NAME: Final = 255  # td-client-ruby, api.rb
LONGEST_QUERY: Final = {Engine.TRINO: 1_000_000, Engine.HIVE: 2_097_152}  # documented ceilings, characters
LARGEST_LOAD_BYTES: Final = 65_535  # documented ceiling of a data connector configuration
_IDENTIFIER: Final = re.compile(r"[a-z0-9_]+")


def identifier_problems(address: Address, what: str, name: str) -> Iterator[Diagnostic]:
    """Against the name of a database or table: lower-case letters, digits and ``_``, 3 to 255 of them."""
    if not _IDENTIFIER.fullmatch(name):
        yield Diagnostic(
            "td-identifier",
            f"{name!r} cannot name a {what}: only a-z, 0-9 and _ can",
            subject=str(address),
            path="/spec/name",
            hint=f"set `name: {re.sub(r'[^a-z0-9_]', '_', name.lower())}`",
        )
    yield from name_problems(address, what, name)


def name_problems(address: Address, what: str, name: str) -> Iterator[Diagnostic]:
    """Against a name that is too short or too long."""
    if not SHORTEST_NAME <= len(name) <= LONGEST_NAME:
        yield Diagnostic(
            "td-name-length",
            f"the name of a {what} has {SHORTEST_NAME} to {LONGEST_NAME} characters, {name!r} has {len(name)}",
            subject=str(address),
            path="/spec/name",
            hint="set `name` to another one; the document's own name can stay",
        )


def query_problems(address: Address, engine: Engine, sql: str, path: str) -> Iterator[Diagnostic]:
    """Against SQL that is empty or longer than the engine takes."""
    if not sql.strip():
        yield Diagnostic("empty-query", "the query is empty", subject=str(address), path=path)
    if len(sql) > LONGEST_QUERY[engine]:
        message = f"{engine.value} takes {LONGEST_QUERY[engine]:,} characters of SQL at most, this has {len(sql):,}"
        yield Diagnostic(
            "query-too-long", message, subject=str(address), path=path, hint="move parts into views or tables"
        )


def load_problems(address: Address, config_bytes: int) -> Iterator[Diagnostic]:
    """Against a configuration that the vendor would cut off."""
    if config_bytes > LARGEST_LOAD_BYTES:
        message = f"an import's configuration has {LARGEST_LOAD_BYTES:,} bytes at most, this has {config_bytes:,}"
        yield Diagnostic(
            "import-too-large",
            message,
            subject=str(address),
            path="/spec/from",
            hint="write a glob instead of single paths",
        )


def clearing(address: Address, audience: str) -> Diagnostic:
    """What a reader must know of `membership: clear`."""
    return Diagnostic(
        "clears-audience",
        f"every run removes all members of audience/{audience}; "
        "whether the vendor keeps the emptied audience is not documented",
        Severity.WARNING,
        subject=str(address),
        path="/spec/membership",
        hint="write `membership: replace` to exchange the members instead",
    )
