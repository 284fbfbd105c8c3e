"""What may be declared of a tenant of Qlik Cloud: connections that its tasks read through, and those tasks."""

from __future__ import annotations

from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from reconciler.model.connections import hidden_names
from reconciler.model.spec import OneLine, QlikConnectionName, SecretText, Spec, WebAddress

DEFAULT_SOURCE: Final = "Pinterest Marketing"

PropertyField = Literal["client_id", "client_secret", "start_time", "end_time", "gateway"]
"""Fields of a connection that are properties of its data source."""


class QlikTarget(Spec):
    """A tenant of Qlik Cloud, and who asks there: an API key, or a machine's id and secret."""

    tenant: WebAddress
    """Its address, such as https://shop.eu.qlikcloud.com."""
    api_key: SecretText | None = None
    """An API key, of whose owner the connections then are."""
    client_id: OneLine | None = None
    """Id of an OAuth client that acts for itself, in the place of a key."""
    client_secret: SecretText | None = None
    """Secret of that client."""
    authorised_by: OneLine = "qCredentialsID"
    """The member of a connection that has a value once a person has let it in. Qlik does not say which; this one is taken."""

    @model_validator(mode="after")
    def _asks_as_somebody(self) -> Self:
        if (self.client_id is None) is not (self.client_secret is None):
            message = "`client_id` and `client_secret` go together"
            raise ValueError(message)
        if (self.api_key is None) is (self.client_id is None):
            message = "needs either an `api_key`, or a `client_id` with its `client_secret`"
            raise ValueError(message)
        return self


class QlikConnectionSpec(Spec):
    """A connection in Qlik Cloud to what is advertised at Pinterest. A person lets it in once."""

    source: OneLine = DEFAULT_SOURCE
    """The data source, by its name or id at Qlik."""
    client_id: OneLine
    """Id of the app at Pinterest."""
    client_secret: SecretText | None = None
    """Secret key of the app. Left out, that of a connection which exists stays; a new one needs it."""
    code: SecretText | None = None
    """The code that a person was shown who consented. It is good for one use; where Qlik's console was used, none is needed."""
    start_time: date | None = None
    """First day, in UTC, such as 2026-01-01. What exactly it bounds Qlik does not say."""
    end_time: date | None = None
    """Last day; up to now when left out."""
    gateway: OneLine | None = None
    """The data gateway that it goes through, by its name or id; none when left out."""
    space: OneLine | None = None
    """The space that it is in, by its name; the personal one when left out."""
    name: OneLine | None = None
    """Name in Qlik Cloud; the document's name when left out."""
    other_properties: dict[OneLine, str] = Field(default_factory=dict)
    """Further properties, as the data source calls them."""
    property_names: dict[PropertyField, OneLine] = Field(default_factory=dict)
    """How the data source calls what is written here, where it cannot be told from its own words."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.start_time and self.end_time and self.end_time < self.start_time:
            message = "`end_time` is before `start_time`"
            raise ValueError(message)
        if hidden := [name for name in hidden_names(self.other_properties) if "id" not in name.lower()[-2:]]:
            message = f"{hidden[0]!r} is a secret: write it as `client_secret`"
            raise ValueError(message)
        # Each write of one would undo the other, and to clear one takes the other away.
        places = [*self.property_names.values(), *self.other_properties]
        if twice := sorted({name for name in places if places.count(name) > 1}):
            message = f"property {twice[0]!r} is written twice: each belongs to one field"
            raise ValueError(message)
        return self


class QlikTaskType(StrEnum):
    """What a task does."""

    LANDING = "landing"
    LAKE_LANDING = "lake_landing"
    REPLICATION = "replication"
    STORAGE = "storage"
    QVD_STORAGE = "qvd_storage"
    TRANSFORM = "transform"
    DATAMART = "datamart"


class QlikMethod(StrEnum):
    """How a task keeps its tables up to date."""

    CDC = "cdc"
    RELOAD_AND_COMPARE = "reload-and-compare"
    CDC_CHANGE_TABLES = "cdc-change-tables"
    FULL_LOAD = "full-load"
    RELOAD = "reload"


METHODS: Final = {
    QlikTaskType.LANDING: (QlikMethod.CDC, QlikMethod.RELOAD_AND_COMPARE),
    QlikTaskType.REPLICATION: (QlikMethod.CDC_CHANGE_TABLES, QlikMethod.FULL_LOAD),
    QlikTaskType.LAKE_LANDING: (QlikMethod.CDC, QlikMethod.RELOAD),
}
"""Type of task -> the methods that Pinterest Marketing has there. Source: help.qlik.com, Connecting-Pinterest-Marketing."""


class QlikSchedule(Spec):
    """When a task runs by itself."""

    every: Annotated[str, Field(pattern=r"^FREQ=[A-Z]+(;[A-Z]+=[A-Z0-9,+-]+)*$")]
    """How often, as a recurrence rule: FREQ=HOURLY;INTERVAL=6."""
    start: datetime
    """From when on, such as 2026-01-01T03:00:00Z."""
    timezone: OneLine = "Etc/UTC"
    """The zone in which the rule is meant."""
    enabled: bool = True
    """Whether it is heeded."""

    @model_validator(mode="after")
    def _has_a_zone(self) -> Self:
        if self.start.tzinfo is None:
            message = "`start` needs a time zone: write Z at its end for UTC"
            raise ValueError(message)
        return self

    @property
    def begins(self) -> str:
        """`start` in UTC, to the second."""
        return self.start.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class QlikTaskSpec(Spec):
    """A task of a data project in Qlik Cloud, which a person has made there. What is left out stays as it is."""

    project: OneLine
    """The project that it is in, by its name or id."""
    type: QlikTaskType
    """What it does: landing, lake_landing, replication, storage, qvd_storage, transform or datamart."""
    connection: QlikConnectionName | None = None
    """Name of the QlikConnection document that it reads through: it comes first, and goes last."""
    method: QlikMethod | None = None
    """How its tables are kept up to date. A prepared task takes another only where `allow_recreate` says so."""
    tables: Annotated[tuple[OneLine, ...] | None, Field(min_length=1)] = None
    """Names of the tables that it reads; with % for any characters."""
    settings: dict[Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9]*(\.[A-Za-z][A-Za-z0-9]*)*$")], str] = Field(
        default_factory=dict
    )
    """Settings as an export of the project calls them, such as tableLoadInParallel; with dots for what stands below others."""
    schedule: QlikSchedule | None = None
    """When it runs by itself."""
    enabled: bool | None = None
    """Whether it runs: true starts it, false stops it."""
    allow_recreate: bool = False
    """Whether its tables may be made anew, and loaded anew, where Qlik asks for that."""
    name: OneLine | None = None
    """Name in Qlik Cloud; the document's name when left out."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if message := self._contradiction():
            raise ValueError(message)
        return self

    def _contradiction(self) -> str:
        fitting = METHODS.get(self.type, ())
        if self.method is not None and self.method not in fitting:
            if not fitting:
                return f"a task of type {self.type} works in the mode of the task that it reads from: take `method` out"
            return f"a task of type {self.type} has the methods {' and '.join(fitting)}, not {self.method}"
        if self.schedule is not None and self.type is QlikTaskType.REPLICATION:
            return "replication tasks have no schedule: Qlik runs them until they are stopped"
        if taken := sorted(set(self.settings) & {"fullLoadOnly", "taskSettings.fullLoad", "taskSettings.storeChanges"}):
            return f"{taken[0]!r} is what `method` says: write that"
        return ""

    @property
    def is_edited(self) -> bool:
        """Whether it says anything that stands in the project's files."""
        return bool(self.method or self.tables or self.settings or self.schedule)
