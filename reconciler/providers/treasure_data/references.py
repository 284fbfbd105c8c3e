"""What documents of several kinds say alike when they are written from what is there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from reconciler.model.address import Address
from reconciler.model.json import Json
from reconciler.ports.listing import Directory

Tree: TypeAlias = "dict[str, Any]"
"""A part of a spec."""


class CannotSay(Exception):
    """A part of the object has no words in a manifest."""


def nothing_else(told: Mapping[str, Json], known: set[str] | frozenset[str], what: str) -> None:
    """Refuse settings that nobody would write down.

    Raises:
        CannotSay: there are others than *known*.
    """
    others = sorted(told.keys() - known)
    if others:
        raise CannotSay(f"{what} for which manifests have no words: {', '.join(others)}")


def database_ref(database: str, directory: Directory) -> str:
    """What a document calls a database: its document, or itself.

    Raises:
        CannotSay: that name is another document's.
    """
    declared = directory.name_of("database", database)
    if declared is None and Address("database", database) in directory.specs:
        raise CannotSay(f"a document called {database!r} declares another database")
    return declared or database


def table_ref(database: str, table: str, directory: Directory) -> str:
    """What a document calls a table: its document, or itself.

    Raises:
        CannotSay: that name is another document's.
    """
    declared = directory.name_of("table", f"{database}.{table}")
    if declared is None and Address("table", table) in directory.specs:
        raise CannotSay(f"a document called {table!r} declares another table than {database}.{table}")
    return declared or table


def name_beside(attributes: Mapping[str, Any], name: str) -> Tree:
    """The vendor's name, where the document *name* does not say it already."""
    return {} if attributes["name"] == name else {"name": attributes["name"]}
