"""Which columns leave for whom: what lawyers and marketers want to see of a plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from reconciler.model.address import Address


class Movement(StrEnum):
    """What becomes of a column at a destination."""

    STARTS = "starts"
    STOPS = "stops"
    CHANGES = "changes"
    """It leaves before and after, hashed otherwise."""


@dataclass(frozen=True, slots=True)
class Outflow:
    """What an export sends.

    destination: who gets it, account included, such as ``pinterest:549700000001``.
    sql: the query whose output columns leave, "" where there is none; *dialect* is `trino` or `hive`.
    columns: output column -> the column it is made of, "" for a text alike for everybody; where nothing is queried. ``*`` is
        every column there is.
    takes: column that the destination takes -> how it hashes it before sending (``sha256``, or "" for plain); of a query's
        other columns nothing leaves. None when it takes all, plain.
    """

    destination: str
    sql: str
    dialect: str
    takes: Mapping[str, str] | None = None
    columns: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, order=True)
class Leaving:
    """One column on its way. *pii* is a class such as ``email``, "" for none known; *hashing* is "" for plain."""

    column: str
    pii: str
    hashing: str

    @property
    def code(self) -> str:
        """Such as ``email_sha256``; a column of no class goes by its name."""
        return f"{self.pii or self.column}_{self.hashing or 'plain'}"


UNKNOWN = Leaving("*", "unknown", "")
"""The columns that a ``SELECT *`` stands for, or those of a query that does not parse."""


@dataclass(frozen=True, slots=True, order=True)
class EgressChange:
    """A column that starts, stops or changes leaving.

    before: how it left until now; equal to *leaving* unless the movement is `changes`.
    effective: when the first rows leave (or no longer leave) this way, in words without a date.
    """

    activation: Address
    destination: str
    movement: Movement
    leaving: Leaving
    before: Leaving
    effective: str

    @property
    def risk(self) -> str:
        """The code of it, such as ``starts_egress:email_sha256``."""
        return f"{self.movement}_egress:{self.leaving.code}"
