"""The `in` part of a load from Pinterest's advertising."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import ConfigDict, Field, SecretStr, ValidationError

from reconciler.connectors.sources.pinterest_marketing_tables import TABLES, Metrics, Objects
from reconciler.diagnostics import did_you_mean
from reconciler.errors import Permanent
from reconciler.model.advertising import Asked, UpdateMethod
from reconciler.model.json import Json

METRICS: Final = ("SPEND_IN_MICRO_DOLLAR", "TOTAL_IMPRESSION", "TOTAL_CLICKTHROUGH")
"""Columns where nobody says which."""


class PinterestMarketingSettings(Asked):
    """What a load asks for, and who asks.

    metrics: METRICS where none are named. attribution_days: 30 where nothing is said.
    """

    model_config = ConfigDict(hide_input_in_errors=True)

    type: Literal["pinterest_marketing"]
    td_authentication_id: int | None = None
    client_id: SecretStr
    client_secret: SecretStr
    refresh_token: SecretStr
    base_url: str = ""
    ad_account_id: Annotated[str, Field(pattern=r"^[0-9]{1,18}$")]

    @property
    def source(self) -> Objects | Metrics:
        """Where the rows come from."""
        return TABLES[self.table]

    @property
    def known_by(self) -> tuple[str, ...]:
        """Columns that stored rows are known by; none where each run brings all of them anew."""
        if self.method in {UpdateMethod.FULL_LOAD, UpdateMethod.RELOAD}:
            return ()
        return self.key or self.source.key


def read_settings(source: Mapping[str, Json]) -> PinterestMarketingSettings:
    """The settings in *source*.

    Raises:
        Permanent: they cannot work; says which and what to write instead, and never what stands there.
    """
    told = {name: value for name, value in source.items() if name != "columns"}
    try:
        settings = PinterestMarketingSettings.model_validate(told)
    except ValidationError as error:
        first = error.errors()[0]
        if first["loc"] == ("table",) and first["type"] == "enum":
            near = did_you_mean(str(told["table"]), list(TABLES)) or f"known: {', '.join(TABLES)}"
            raise Permanent("source `pinterest_marketing`: `table` is none that it knows", hint=near) from None
        name = ".".join(map(str, first["loc"]))
        said = {"extra_forbidden": "is no setting of it", "missing": "is missing"}.get(first["type"], first["msg"])
        near = did_you_mean(name, list(PinterestMarketingSettings.model_fields)) if said.startswith("is no") else ""
        raise Permanent(f"source `pinterest_marketing`: `{name}`: {said}", hint=near) from None
    if message := settings.contradiction():
        raise Permanent(f"source `pinterest_marketing`: {message}")
    return settings
