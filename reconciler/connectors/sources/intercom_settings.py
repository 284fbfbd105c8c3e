"""The `in` part of a load from Intercom, as people write it.

Source: Treasure Data's page of the Intercom import: `access_token`, `target`, `incremental`. The rest is the embedded service's
own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

from reconciler.diagnostics import did_you_mean
from reconciler.errors import Permanent
from reconciler.model.imports import GROWING, IntercomTarget
from reconciler.model.json import Json

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

DEFAULT_OVERLAP_S: Final = 3_600
"""Search was seen to miss what changed in the last minutes; an hour is what careful importers look back."""
_PLACEHOLDER: Final = re.compile(r"(.)\1{2,}|<.*>|your[-_ ].*|changeme", re.IGNORECASE)


def _target(value: object) -> object:
    if isinstance(value, str) and value.strip().lower() not in set(IntercomTarget):
        known = ", ".join(target.value for target in IntercomTarget)
        message = f"is no target; {did_you_mean(value, list(IntercomTarget)) or f'known: {known}'}"
        raise ValueError(message)
    return value.strip().lower() if isinstance(value, str) else value


class IntercomSettings(BaseModel):
    """What a load asks for. Flags and numbers may be written as text, as some clients do."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    type: Literal["intercom"]
    td_authentication_id: int | None = None
    access_token: SecretStr = SecretStr("")
    app_id: str = ""
    api_key: SecretStr = SecretStr("")
    base_url: str = ""
    target: Annotated[IntercomTarget, BeforeValidator(_target)]
    incremental: bool = False
    leads: bool = False
    parts: bool = False
    old_names: bool = False
    overlap: Annotated[int, Field(ge=0)] = DEFAULT_OVERLAP_S
    api_version: str = ""


def read_settings(source: Mapping[str, Json]) -> IntercomSettings:
    """The settings in *source*.

    Raises:
        Permanent: they cannot work; says which and what to write instead, and never what stands there.
    """
    # What a guess adds are the columns that it saw.
    told = {name: value for name, value in source.items() if name != "columns"}
    try:
        settings = IntercomSettings.model_validate(told)
    except ValidationError as error:
        raise _refusal(error.errors()[0]) from None
    if settings.incremental and settings.target not in GROWING:
        raise Permanent(
            f"target {settings.target.value} has no incremental mode: Intercom tells {settings.target.value} whole",
            hint="take `incremental` away; `mode: replace` keeps the table as they are now",
        )
    token = settings.access_token.get_secret_value()
    if not token and settings.api_key.get_secret_value():
        raise Permanent(
            "Intercom has retired app ids with API keys, so nothing can be read with them",
            hint="make an app in Intercom's developer hub, and give its token as `access_token`",
        )
    if not token:
        raise Permanent("`access_token` of the Intercom source is missing", hint="or name a connection that has one")
    if _PLACEHOLDER.fullmatch(token):
        raise Permanent(
            "`access_token` of the Intercom source is a placeholder",
            hint="put the token there that Intercom's developer hub shows for your app",
        )
    return settings


def _refusal(error: ErrorDetails) -> Permanent:
    name = ".".join(map(str, error["loc"]))
    match error["type"]:
        case "extra_forbidden":
            near = did_you_mean(name, list(IntercomSettings.model_fields))
            return Permanent(f"`{name}` is not a setting of an Intercom source", hint=near)
        case "missing":
            return Permanent(f"`{name}` of the Intercom source is missing")
        case "value_error":
            return Permanent(f"`{name}` of the Intercom source {error['msg'].removeprefix('Value error, ')}")
        case _:
            return Permanent(f"`{name}` of the Intercom source: {error['msg']}")
