"""Membership, and the vendor's verb it resolves to today."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from reconciler.model.kinds import Membership
from reconciler.model.unknown import Unknown


@dataclass(frozen=True, slots=True)
class Verb:
    """A vendor's word for one thing that an export does to an audience. *id_setting* is the setting that holds the id."""

    action: str
    id_setting: str


@dataclass(frozen=True, slots=True)
class AudienceVerbs:
    """What a destination's export understands; supplied by the destination's provider.

    create: the action that makes the audience; *create_title_setting* holds its title.
    """

    create: str
    create_title_setting: str
    create_description_setting: str
    on_existing: Mapping[Membership, Verb]


class Outcome(StrEnum):
    """What the resolver decided."""

    BOOTSTRAP = "bootstrap"
    STEADY = "steady"
    NOTHING = "nothing"
    REFUSE = "refuse"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Resolution:
    """The resolver's answer.

    outcome: what kind of answer.
    mode: the vendor's action to write into the export; "" when there is none.
    settings: settings that go with the mode, such as the audience's id, which may be known only after an apply.
    audience_id: the audience the decision is about, or "".
    why: stable reason code, such as ``audience_exists``.
    evidence: one line for a reader, naming ids and never members.
    """

    outcome: Outcome
    mode: str = ""
    settings: Mapping[str, str | Unknown] = field(default_factory=dict)
    audience_id: str = ""
    why: str = ""
    evidence: str = ""
