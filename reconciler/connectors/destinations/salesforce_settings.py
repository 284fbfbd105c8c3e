"""Treasure Data's result settings of type `sfdc_v2` and those of the connection beneath, as far as they are carried out here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from reconciler.connectors.destinations.salesforce_journal import Api
from reconciler.errors import Permanent
from reconciler.model.json import Json
from reconciler.model.salesforce import Auth

OLDEST_WITH_BULK2: Final = 41
MOST_OF_A_BATCH: Final = 10_000
_NAME: Final = r"[A-Za-z][A-Za-z0-9_]*"
_COLUMN: Final = re.compile(rf"{_NAME}|({_NAME}:)?{_NAME}\.{_NAME}")
"""A field; a parent's key, such as `Owner.Username`; that of one of several kinds of parents, such as `User:Owner.Username`."""
_OF_NO_VALUE: Final = ("STRUCT", "MAP", "UNION", "BLOB")


class SalesforceSettings(BaseModel):
    """One export's settings. Numbers and flags may be written as text, as some clients do."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True, hide_input_in_errors=True)

    type: str = "sfdc_v2"
    auth_method: Auth
    login_url: str
    client_id: SecretStr = SecretStr("")
    client_secret: SecretStr = SecretStr("")
    refresh_token: SecretStr = SecretStr("")
    private_key: SecretStr = SecretStr("")
    audience: str = ""
    username: str = ""
    password: SecretStr = SecretStr("")
    security_token: SecretStr = SecretStr("")
    session_id: SecretStr = SecretStr("")
    api_version: Annotated[str, Field(pattern=r"^[1-9][0-9]{1,2}\.0$")]
    object: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
    mode: Literal["append", "update", "truncate"] = "append"
    upsert: bool = True
    unique: str = ""
    hard_delete: bool = False
    concurrency_mode: Literal["parallel", "serial"] = "parallel"
    split_records: Annotated[int, Field(ge=1, le=MOST_OF_A_BATCH)] = MOST_OF_A_BATCH
    retry_initial_wait_sec: Annotated[int, Field(ge=0)] = 5
    retry_limit: Annotated[int, Field(ge=0)] = 2
    empty_values: Literal["keep", "erase"] = "keep"
    ignore_invalid_records: bool = True

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        problems = []
        given = self.model_fields_set
        if "hard_delete" in given and self.hard_delete and self.mode != "truncate":
            problems.append(f"`hard_delete` belongs to mode `truncate`, not to `{self.mode}`")
        problems += [
            f"`{name}` belongs to mode `update`, not to `{self.mode}`"
            for name in ("unique", "upsert")
            if name in given and getattr(self, name) and self.mode != "update"
        ]
        if self.mode == "update" and not self.unique:
            problems.append("`unique` is missing: mode `update` needs the field that records are found by")
        if self.mode == "update" and self.upsert and self.unique and not self.unique.endswith("__c"):
            problems.append(f"`unique`: {self.unique} is no external id, and only custom fields (…__c) can be one")
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @property
    def operation(self) -> str:
        """Salesforce's word for what rows do."""
        return "insert" if self.mode != "update" else "upsert" if self.upsert else "update"

    @property
    def target(self) -> str:
        """Org and object that are written to."""
        return f"{self.login_url.rstrip('/')} {self.object}"

    @property
    def removal(self) -> str:
        """Salesforce's word for how records are taken away; with mode `truncate`."""
        return "hardDelete" if self.hard_delete else "delete"

    @property
    def key(self) -> str:
        """The field that records are found by; "" when none is."""
        named = self.unique if self.mode == "update" else ""
        return "Id" if named.lower() == "id" else named

    @property
    def finds_ids(self) -> bool:
        """Whether records are found by a key that Salesforce changes no record by, so that their Ids are asked for first."""
        return self.operation == "update" and self.key != "Id"

    @property
    def version(self) -> int:
        """The API version as a number."""
        return int(self.api_version.partition(".")[0])

    @property
    def first_api(self) -> Api:
        """What rows go through at first: Bulk API 2.0 where it can do what is asked for."""
        if self.concurrency_mode == "serial":
            return "bulk1-serial"
        is_for_bulk2 = self.version >= OLDEST_WITH_BULK2 and self.split_records == MOST_OF_A_BATCH
        return "bulk2" if is_for_bulk2 else "bulk1"

    @property
    def may_become_serial(self) -> bool:
        """Whether rows that stay locked may go one batch at a time in the end: unless somebody wrote `parallel`."""
        return "concurrency_mode" not in self.model_fields_set


def read_settings(settings: Mapping[str, Json]) -> SalesforceSettings:
    """Settings as written, checked as a whole.

    Raises:
        Permanent: names every problem at once; never shows a value of a setting that may be secret.
    """
    try:
        return SalesforceSettings.model_validate(dict(settings))
    except ValidationError as error:
        problems = [
            (f"`{'.'.join(map(str, one['loc']))}`: " if one["loc"] else "") + one["msg"].removeprefix("Value error, ")
            for one in error.errors(include_url=False, include_input=False, include_context=False)
        ]
    raise Permanent("settings of the Salesforce export: " + "; ".join(problems), hint="see docs/salesforce.md")


def check_columns(settings: SalesforceSettings, columns: Mapping[str, str]) -> None:
    """Refuse columns that cannot be fields.

    columns: result column -> SQL type.

    Raises:
        Permanent: with the column and what to write instead.
    """
    lower = {name.lower() for name in columns}
    for name, kind in columns.items():
        if _COLUMN.fullmatch(name) is None:
            raise Permanent(
                f"column {name!r} cannot be a field of Salesforce", hint="rename it with AS to a field's API name"
            )
        if kind.upper().startswith(_OF_NO_VALUE):
            raise Permanent(
                f"column {name!r} is of type {kind}, which no field holds", hint="make it text, number or date"
            )
    key = settings.key
    if key and key.lower() not in lower:
        raise Permanent(f"the query returns no column {key!r}, by which records are found", hint=f"select it AS {key}")
    if settings.operation == "insert" and "id" in lower:
        raise Permanent("records are inserted without `Id`", hint="leave the column out, or write `update: Id`")
    if settings.finds_ids and "id" in lower:
        raise Permanent(
            f"the query returns `Id` and {key!r}, and records are found by one of them", hint="leave one of them out"
        )
    if settings.operation == "update" and lower == {key.lower()}:
        raise Permanent(
            f"the query returns {key!r} alone, so that there is nothing to update", hint="select more columns"
        )


def spelled_as_key(settings: SalesforceSettings, columns: Mapping[str, str]) -> dict[str, str]:
    """*columns* with the key as the settings spell it; to Salesforce, as to SQL, case makes no difference."""
    key = settings.key
    return {key if name.lower() == key.lower() else name: kind for name, kind in columns.items()}
