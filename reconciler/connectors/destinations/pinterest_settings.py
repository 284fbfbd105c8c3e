"""Treasure Data's result settings of type `pinterest`, as people write them.

Source: Treasure Data's page of the Pinterest export: its table of parameters and its sample, which differ in places (the
flag's name, the actions' letter case); both are read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError, model_validator

from reconciler.diagnostics import did_you_mean
from reconciler.errors import Permanent
from reconciler.model.json import Json
from reconciler.model.kinds import Identifier

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


class Action(StrEnum):
    """What an export does. Canonical in capitals, as in the page's sample; read in either case."""

    CREATE = "CREATE_NEW_AUDIENCE"
    REPLACE = "REPLACE_CURRENT_AUDIENCE"
    DELETE = "DELETE_CURRENT_AUDIENCE"
    """Clears all members; the audience stays."""
    ADD = "ADD_PEOPLE_TO_CURRENT_AUDIENCE"
    REMOVE = "REMOVE_PEOPLE_TO_CURRENT_AUDIENCE"
    """Spelled as on the page."""


NEEDED_SETTING: Mapping[Action, str] = {
    Action.CREATE: "audience_name",
    Action.REPLACE: "audience_id_replace",
    Action.DELETE: "audience_id_delete",
    Action.ADD: "audience_id_add_people",
    Action.REMOVE: "audience_id_remove_people",
}

IGNORE_INVALID = "ignore_invalid_records"
IGNORE_INVALID_OTHERWISE = "ignore_error"


def _upper(value: object) -> object:
    return value.strip().upper() if isinstance(value, str) else value


def _lower(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


def _known_action(value: object) -> object:
    text = _upper(value)
    if isinstance(text, str) and text not in set(Action):
        known = ", ".join(action.value for action in Action)
        near = did_you_mean(text, [action.value for action in Action])
        message = f"is no action; {near or f'known: {known}'}"
        raise ValueError(message)
    return text


Digits = Annotated[str, Field(pattern=r"^[0-9]{1,18}$")]  # Pinterest's ids: digits, at most 18 (OpenAPI 5.23.0)
Milliseconds = Annotated[int, Field(ge=0)]
Seconds = Annotated[int, Field(ge=1)]


class PinterestSettings(BaseModel):
    """One export's settings. Numbers and flags may be written as text, as some clients do."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True, hide_input_in_errors=True)

    type: Literal["pinterest"] = "pinterest"
    client_id: Annotated[SecretStr, Field(min_length=1)]
    client_secret: Annotated[SecretStr, Field(min_length=1)]
    refresh_token: Annotated[SecretStr, Field(min_length=1)]
    base_url: str = ""
    """Address of the API, which the vendor has no setting for and a declared connection may name; "" for the usual one."""
    ad_account_id: Digits
    audience_type: Annotated[Literal["customer_list"], BeforeValidator(_lower)]
    action: Annotated[Action, BeforeValidator(_known_action)]
    audience_id_replace: str = ""
    audience_id_delete: str = ""
    audience_id_add_people: str = ""
    audience_id_remove_people: str = ""
    audience_name: str = ""
    audience_description: str = ""
    limit_records_per_request: Annotated[int, Field(ge=1)] | None = None
    ignore_error: bool | None = None
    ignore_invalid_records: bool | None = None
    retry_count: Annotated[int, Field(ge=0)] = 7
    retry_initial_wait_millis: Milliseconds = 500
    max_retry_wait_millis: Milliseconds = 300_000
    connection_timeout_secs: Seconds = 180
    write_timeout_secs: Seconds = 60
    read_timeout_secs: Seconds = 180

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        problems = []
        if self.ignore_error is not None and self.ignore_invalid_records is not None:
            problems.append(
                f"`{IGNORE_INVALID_OTHERWISE}` and `{IGNORE_INVALID}` are the same setting; keep `{IGNORE_INVALID}`"
            )
        needed = NEEDED_SETTING[self.action]
        value = str(getattr(self, needed)).strip()
        if not value:
            problems.append(f"`{needed}` is missing: action `{self.action.lower()}` needs it")
        elif self.action is not Action.CREATE and not value.isdecimal():
            problems.append(f"`{needed}` must be an audience's id, digits only")
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @property
    def skips_invalid(self) -> bool:
        """Whether rows that cannot be sent are dropped; else one of them stops the run. Off when not written."""
        return bool(self.ignore_invalid_records or self.ignore_error)

    @property
    def audience_id(self) -> str:
        """Id of the audience the action is about; "" when it makes one."""
        return "" if self.action is Action.CREATE else str(getattr(self, NEEDED_SETTING[self.action])).strip()

    def notices(self) -> tuple[str, ...]:
        """What is written and has no effect with this action."""
        about_creating = {"audience_name", "audience_description"} if self.action is not Action.CREATE else set()
        of_others = set(NEEDED_SETTING.values()) - {NEEDED_SETTING[self.action], "audience_name"}
        idle = [name for name in sorted(about_creating | of_others) if getattr(self, name)]
        return tuple(f"`{name}` has no effect with action `{self.action.lower()}`" for name in idle)


def read_settings(settings: Mapping[str, Json]) -> PinterestSettings:
    """Settings as written, checked as a whole.

    Raises:
        Permanent: names every problem at once; never shows a value of a setting.
    """
    try:
        return PinterestSettings.model_validate(dict(settings))
    except ValidationError as error:
        problems = [_said(problem) for problem in error.errors(include_url=False, include_input=False)]
    if not any(IGNORE_INVALID in problem and IGNORE_INVALID_OTHERWISE in problem for problem in problems):
        problems += _hidden(settings, problems)
    raise Permanent("settings of the Pinterest export: " + "; ".join(problems), hint=_HINT)


_HINT = "the settings are those of Treasure Data's Pinterest export"


def _hidden(settings: Mapping[str, Json], problems: Sequence[str]) -> list[str]:
    """The missing setting of the action, which pydantic does not look for once a single field is wrong."""
    text = _upper(settings.get("action"))
    if not isinstance(text, str) or text not in set(Action):
        return []
    needed = NEEDED_SETTING[Action(text)]
    if str(settings.get(needed) or "").strip() or any(f"`{needed}`" in problem for problem in problems):
        return []
    return [f"`{needed}` is missing: action `{text.lower()}` needs it"]


def _said(problem: ErrorDetails) -> str:
    name = ".".join(str(part) for part in problem["loc"])
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        hint = did_you_mean(name, PinterestSettings.model_fields)
        return f"`{name}` is not a setting" + (f", {hint}" if hint else "")
    if problem["type"] == "missing":
        return f"`{name}` is missing"
    if not name:
        return message
    return f"`{name}`: {message[:1].lower()}{message[1:]}"


def identifier_of(columns: Mapping[str, str]) -> Identifier:
    """What the one column of a result holds.

    columns: result column -> SQL type.

    Raises:
        Permanent: there is not exactly one column, or it is not called `email`, `maid` or `idfa`, or it is no text.
    """
    names = ", ".join(f"`{name}`" for name in Identifier)
    if len(columns) != 1:
        given = ", ".join(f"`{name}`" for name in columns) or "none"
        raise Permanent(
            f"the query returns {len(columns)} columns ({given}) and must return exactly one of {names}",
            hint="select one column; a helper column belongs into a subquery",
        )
    [(name, kind)] = columns.items()
    if name not in set(Identifier):
        near = did_you_mean(name, list(Identifier))
        raise Permanent(
            f"the query's column is called {name!r} and must be one of {names}", hint=near or "rename it with AS"
        )
    if kind.split("(")[0].strip().upper() not in {"VARCHAR", "STRING", "TEXT", "CHAR", "BPCHAR"}:
        raise Permanent(
            f"the column `{name}` is of type {kind} and must be text", hint=f"write CAST({name} AS VARCHAR)"
        )
    return Identifier(name)
