"""What `policy` may say in `tdr.yaml` and in an environment: rules as data, and who is let off one, until when."""

from __future__ import annotations

import math
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from reconciler.model.kind_name import KindName
from reconciler.model.patterns import pattern
from reconciler.model.spec import Spec

RuleId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,62}$")]


class Level(StrEnum):
    """What a broken rule does."""

    ERROR = "error"
    """The manifests are invalid."""
    GATE = "gate"
    """The plan is held until a person approves it."""
    WARN = "warn"
    """It is told."""
    OFF = "off"


class RuleSet(StrEnum):
    """Rules that tdr brings."""

    SAFETY = "safety"
    PRIVACY = "privacy"
    NAMING = "naming"


class Operator(StrEnum):
    """How a value is compared; `exists` takes true or false, `matches` an RE2 pattern that may match anywhere."""

    EQ = "eq"
    NE = "ne"
    IN = "in"
    NOT_IN = "not_in"
    MATCHES = "matches"
    NOT_MATCHES = "not_matches"
    EXISTS = "exists"
    LT = "lt"
    LE = "le"
    GT = "gt"
    GE = "ge"
    MIN_LENGTH = "min_length"
    MAX_LENGTH = "max_length"


class Selector(Spec):
    """Which documents a rule is about; what is left out does not narrow."""

    kinds: tuple[KindName, ...] = ()
    """Kinds such as Activation; one that fits is enough."""
    names: tuple[str, ...] = ()
    """Globs such as ``vip-*``; one that fits is enough."""
    labels: dict[str, str] = Field(default_factory=dict)
    """Label -> glob of its value; all must fit."""


_NUMERIC = frozenset({Operator.LT, Operator.LE, Operator.GT, Operator.GE, Operator.MIN_LENGTH, Operator.MAX_LENGTH})


class UserRule(Spec):
    """A rule of the project: every value at *path* must stand the comparison."""

    id: RuleId
    """Name of the rule in messages, approvals and waivers: lower-case letters, digits and `-`."""
    select: Selector = Selector()
    """Which documents it is about; all when left out."""
    path: Annotated[str, Field(pattern=r"^(/[^/]*)*$")]
    """JSON pointer from the document's top, such as ``/spec/title``; ``*`` stands for every entry at that place."""
    operator: Operator
    """How the value is compared."""
    value: Any = None
    """What it is compared with: a list for `in` and `not_in`."""
    message: Annotated[str, Field(min_length=1, max_length=500)]
    """What is said when it is broken."""
    severity: Level = Level.ERROR
    """What breaking it does."""
    hint: str = ""
    """What to do then."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.operator in (Operator.IN, Operator.NOT_IN) and not isinstance(self.value, list):
            message = f"`{self.operator}` needs a list as `value`"
            raise ValueError(message)
        if self.operator in _NUMERIC and not _is_number(self.value):
            message = f"`{self.operator}` needs a number as `value`"
            raise ValueError(message)
        if self.operator in (Operator.MATCHES, Operator.NOT_MATCHES):
            pattern(self.value if isinstance(self.value, str) else "")
        return self


def _is_number(value: Any) -> bool:
    try:
        return math.isfinite(float(value))
    except (TypeError, ValueError):
        return False


class Waiver(Spec):
    """Lets some documents off a rule, for a time. Somebody answers for it."""

    rule: str
    """Id of the rule."""
    addresses: Annotated[tuple[str, ...], Field(min_length=1)]
    """Addresses or globs such as ``activation/legacy-*``."""
    owner: Annotated[str, Field(min_length=1)]
    """Who answers for it."""
    reason: Annotated[str, Field(min_length=1)]
    """Why it need not hold."""
    until: date
    """Last day (UTC) on which it holds."""


class PolicySpec(Spec):
    """Rules that manifests and plans are held to."""

    sets: tuple[RuleSet, ...] | None = None
    """Rule sets of tdr that are looked at; `safety` when nothing is said."""
    severities: dict[str, Level] = Field(default_factory=dict)
    """Rule -> what breaking it does, where it should be otherwise than the rule says."""
    rules: tuple[UserRule, ...] = ()
    """Rules of the project itself."""
    waivers: tuple[Waiver, ...] = ()
    """Who is let off a rule, and until when."""
