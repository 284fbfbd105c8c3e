"""What every manifest document has in common, and the types that a spec is made of.

YAML scalars arrive here as text (or None); these models give them their types.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from reconciler.model.duration import whole_seconds
from reconciler.model.secret import Secret
from reconciler.model.web_address import is_web_address

API_VERSION = "tdr/v1"


class Spec(BaseModel):
    """Base of everything a person writes: immutable, and refusing what it does not know."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        arbitrary_types_allowed=True,
        defer_build=True,  # half the import; a run needs the validators of the kinds it meets
    )


class OnDelete(StrEnum):
    """What happens to the object when its document leaves the manifests."""

    DELETE = "delete"
    DISABLE = "disable"
    FORGET = "forget"
    BLOCK = "block"


class Adopt(StrEnum):
    """What happens when the object is there already and no state knows it."""

    ASK = "ask"
    ALWAYS = "always"
    NEVER = "never"


class Ignore(Spec):
    """A field that others may change, why, and for how long."""

    path: Annotated[str, Field(pattern=r"^/")]
    """JSON pointer such as ``/description``; what stands below it is ignored too."""
    reason: str
    """Why it is nobody's mistake that the field differs."""
    until: date | None = None
    """Last day (UTC) on which it is ignored; from then on the field is compared again."""

    def holds_on(self, day: date) -> bool:
        """Whether the field is still ignored on *day*."""
        return self.until is None or day <= self.until


def _short_ignore(value: Any) -> Any:
    """The short form is the pointer alone, without an end and without a reason."""
    return {"path": value, "reason": ""} if isinstance(value, str) else value


class Lifecycle(Spec):
    """How tdr may treat the object."""

    protect: bool = False
    """Refuse to delete or replace the object. Kept in state, so that removing the document does not remove it."""
    adopt: Adopt = Adopt.ASK
    """Whether an object found by its natural key becomes ours: always, never, or ask by stopping the run."""
    on_delete: OnDelete = OnDelete.DELETE
    """What to do when the document is gone."""
    ignore: tuple[
        Annotated[Ignore, BeforeValidator(_short_ignore, json_schema_input_type=str | Ignore)],
        ...,
    ] = ()
    """Fields that others may change: a JSON pointer such as ``/description``, or one with a reason and a last day."""

    def ignored_on(self, day: date) -> tuple[str, ...]:
        """Pointers of the fields that others may change on *day*."""
        return tuple(entry.path for entry in self.ignore if entry.holds_on(day)) if self.ignore else ()


class Metadata(Spec):
    """Name and labels of a document."""

    name: str = Field(pattern=r"^[a-z0-9]([a-z0-9._-]{0,118}[a-z0-9])?$")
    """Logical name, unique in its kind: lower-case letters, digits, ``-``, ``_`` and ``.``."""
    labels: dict[str, str] = Field(default_factory=dict)
    """Free labels, for selecting."""
    annotations: dict[str, str] = Field(default_factory=dict)
    """Free notes for people and tools; never sent."""


@dataclass(frozen=True, slots=True)
class RefersTo:
    """Marks a string field of a spec as the name of another resource of *kind* (lower case).

    optional: whether the name may also be that of an object that no document declares.
    """

    kind: str
    optional: bool = False


@dataclass(frozen=True, slots=True)
class FileText:
    """Marks a string field as the path of a text file in the project; the loader puts the file's text into *into*."""

    into: str


@dataclass(frozen=True, slots=True)
class FolderTexts:
    """Marks a string field as the path of a folder in the project; the loader puts its files (path -> text) into *into*."""

    into: str


@dataclass(frozen=True, slots=True)
class KeyedBy:
    """Marks a list field whose entries are told apart by the text at *key*, so that overlays merge them by it."""

    key: str


def _seconds(value: Any) -> Any:
    """A duration as whole seconds; what is none stays, for pydantic to say so."""
    seconds = whole_seconds(value) if isinstance(value, str) else None
    return value if seconds is None else seconds


_VERSION = re.compile(r"[1-9][0-9]{0,8}")


def _plain_secret(value: Any) -> Any:
    """Accept a resolved secret, alone or with a version beside it; refuse text, because a manifest is in version control."""
    if isinstance(value, Secret):
        return value
    if isinstance(value, dict) and value.keys() == {"secret", "version"}:
        secret, version = value["secret"], str(value["version"])
        if isinstance(secret, Secret) and _VERSION.fullmatch(version):
            return secret.at(version)
    message = "is a secret and must not be written in a manifest; write ${secret:env:NAME}, ${secret:file:PATH} or ${secret:cmd:…}"
    raise ValueError(message)


_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def _one_line(value: str) -> str:
    """Trim, and refuse control characters: the text becomes a name at a vendor."""
    trimmed = value.strip()
    if _CONTROL.search(trimmed):
        message = "contains a control character"
        raise ValueError(message)
    return trimmed


def _web_address(value: str) -> str:
    """Refuse what no request can be sent to, and credentials, which would be shown."""
    if not is_web_address(value):
        message = "must be an address such as https://api.pinterest.com/v5"
        raise ValueError(message)
    return value


Seconds = Annotated[int, Field(ge=0), BeforeValidator(_seconds, json_schema_input_type=int | str)]
SecretText = Annotated[Secret, BeforeValidator(_plain_secret, json_schema_input_type=str)]
OneLine = Annotated[str, AfterValidator(_one_line), Field(min_length=1, max_length=255)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
Digits = Annotated[str, Field(pattern=r"^[0-9]{1,18}$")]
ConnectionName = Annotated[str, RefersTo(kind="connection")]
ConnectionRef = Annotated[str, RefersTo(kind="connection", optional=True)]
DatabaseName = Annotated[str, RefersTo(kind="database", optional=True)]
TableRef = Annotated[str, RefersTo(kind="table", optional=True)]
AudienceName = Annotated[str, RefersTo(kind="audience")]
QueryName = Annotated[str, RefersTo(kind="query")]
ActivationName = Annotated[str, RefersTo(kind="activation")]
ImportName = Annotated[str, RefersTo(kind="import")]
QlikConnectionName = Annotated[str, RefersTo(kind="qlikconnection")]
SourceSpecName = Annotated[str, RefersTo(kind="sourcespec")]
ScheduleName = Annotated[str, RefersTo(kind="schedule")]
NeededAddress = Annotated[str, Field(pattern=r"^[a-z]+/[a-z0-9]([a-z0-9._-]{0,118}[a-z0-9])?$")]
"""``kind/name``. A pattern, so that a text in the wrong place is not repeated where documents hold secrets."""
