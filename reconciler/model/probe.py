"""What an account was found to do where its vendor's documents leave it open."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import AwareDatetime

from reconciler.model.spec import Spec


class FactName(StrEnum):
    """A fact that an account can be asked for."""

    CONNECTIONS_LISTED = "connections_listed"
    QUERY_IDS_LISTED = "query_ids_listed"
    TRINO_KEPT = "trino_kept"
    PRESETS_KEPT = "presets_kept"


class Told(StrEnum):
    """An answer; an account that has nothing to look at cannot tell."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class ProbeRecord(Spec):
    """The answers of one account, as they are kept beside its environment. Holds no secrets and no names of objects."""

    format: Literal["tdr.probe"] = "tdr.probe"
    format_version: Literal["1.0"] = "1.0"
    tdr_version: str
    asked_at: AwareDatetime
    """When."""
    account: str
    """Who answered, such as ``us01/1234``."""
    host: str
    """Where, such as ``https://api.treasuredata.com``, or ``embedded``."""
    answers: dict[FactName, Told]
    """Fact -> answer."""


def settled(record: ProbeRecord | None, account: str, fact: FactName, *, explicit: bool | None) -> bool | None:
    """What holds of *fact*: what a person wrote, else what this very *account* told; None for the default."""
    if explicit is not None or record is None or record.account != account:
        return explicit
    return {Told.YES: True, Told.NO: False}.get(record.answers.get(fact, Told.UNKNOWN))
