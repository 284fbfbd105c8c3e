"""The `in` part of a load from Pinterest's advertising."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from reconciler.connectors.sources.pinterest_marketing_tables import TABLES, Metrics, Objects
from reconciler.diagnostics import did_you_mean
from reconciler.errors import Permanent
from reconciler.model.json import Json

_METRICS: Final = ("SPEND_IN_MICRO_DOLLAR", "TOTAL_IMPRESSION", "TOTAL_CLICKTHROUGH")
METHODS: Final = ("cdc", "reload-and-compare", "full-load", "reload")


class PinterestMarketingSettings(BaseModel):
    """What a load asks for.

    start_time, end_time: first and last day, UTC, of metrics and of changes; none where it is open.
    metrics: columns of tables of metrics. attribution_days: days whose metrics may still change, which every run reads again.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    type: Literal["pinterest_marketing"]
    td_authentication_id: int | None = None
    client_id: SecretStr
    client_secret: SecretStr
    refresh_token: SecretStr
    base_url: str = ""
    ad_account_id: Annotated[str, Field(pattern=r"^[0-9]{1,18}$")]
    table: str
    method: Literal["cdc", "reload-and-compare", "full-load", "reload"] = "cdc"
    start_time: date | None = None
    end_time: date | None = None
    metrics: Annotated[tuple[str, ...], Field(min_length=1)] = _METRICS
    attribution_days: Annotated[int, Field(ge=0, le=60)] = 30

    @property
    def source(self) -> Objects | Metrics:
        """Where the rows come from."""
        return TABLES[self.table]


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
        name = ".".join(map(str, first["loc"]))
        said = {"extra_forbidden": "is no setting of it", "missing": "is missing"}.get(first["type"], first["msg"])
        near = did_you_mean(name, list(PinterestMarketingSettings.model_fields)) if said.startswith("is no") else ""
        raise Permanent(f"source `pinterest_marketing`: `{name}`: {said}", hint=near) from None
    if settings.table not in TABLES:
        near = did_you_mean(settings.table, list(TABLES)) or f"known: {', '.join(TABLES)}"
        raise Permanent("source `pinterest_marketing`: `table` is none that it knows", hint=near)
    _refuse_senseless(settings)
    return settings


def _refuse_senseless(settings: PinterestMarketingSettings) -> None:
    kind, bounded = settings.source, settings.start_time is not None or settings.end_time is not None
    if settings.start_time and settings.end_time and settings.end_time < settings.start_time:
        raise Permanent("source `pinterest_marketing`: `end_time` is before `start_time`")
    if isinstance(kind, Objects) and not kind.cursor and settings.method == "cdc":
        raise Permanent(
            f"table {settings.table} tells no times of changes, so `method: cdc` cannot find them",
            hint="write `method: reload-and-compare`",
        )
    if isinstance(kind, Objects) and not kind.cursor and bounded:
        raise Permanent(f"table {settings.table} tells no times, so `start_time` and `end_time` choose nothing")
    if settings.method == "reload-and-compare" and (bounded or isinstance(kind, Metrics)):
        raise Permanent(
            "`method: reload-and-compare` removes rows that are not told any more, and only a part of them would be asked for",
            hint="take `start_time` and `end_time` away; for tables of metrics write `method: cdc`",
        )
