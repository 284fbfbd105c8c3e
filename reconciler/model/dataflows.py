"""Sources of a customer data platform: what is registered there, who reads from it, and which rows flow into which dataset."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, JsonValue, model_validator

from reconciler.model.connections import hidden_names
from reconciler.model.spec import FileText, OneLine, RefersTo, SecretText, SourceSpecName, Spec, WebAddress

RegistrationName = Annotated[str, RefersTo(kind="sourceregistration")]
SourceAccountName = Annotated[str, RefersTo(kind="sourceaccount")]

SCOPES: Final = "openid,AdobeID,read_organizations,additional_info.projectedProductContext,session"
"""What a token of the Flow Service needs. Source: Adobe's page on API authentication."""
REST_TO_PLATFORM: Final = "6499120c-0b15-42dc-936e-847ea3c24d72"
"""Flow specification `RestStorageToAEP`. Source: Adobe's page on flow specifications."""
PROVIDER: Final = "0ed90a81-07f4-4586-8190-b40eccef1c5a"
"""Constant `providerId` of self-serve sources. Source: Adobe's page on creating connection specifications."""

VendorId = Annotated[str, Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z_-]{0,63}$")]
"""An id that the vendor gave."""


def _moment(value: str) -> str:
    """Refuse what is no moment, for a schedule that begins at another hour than meant cannot be changed any more."""
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        message = "must be a moment such as 2027-01-31T06:00:00Z"
        raise ValueError(message) from None
    if moment.tzinfo is None:
        message = "must say its zone, as in 2027-01-31T06:00:00Z"
        raise ValueError(message)
    return value


class AdobeTarget(Spec):
    """An organisation of Adobe Experience Platform, one of its sandboxes, and the app that acts there."""

    org_id: Annotated[str, Field(pattern=r"^[0-9A-Za-z]+@AdobeOrg$")]
    """Id of the organisation, which ends in @AdobeOrg."""
    sandbox: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,255}$")] = "prod"
    """Name of the sandbox; each holds objects of its own."""
    client_id: SecretText
    """Id of an app with OAuth server-to-server credentials; also sent as its API key."""
    client_secret: SecretText
    """Secret of the app."""
    scopes: str = SCOPES
    """Scopes of its tokens, joined by commas."""
    base_url: WebAddress = "https://platform.adobe.io"
    """Address of the platform."""
    login_url: WebAddress = "https://ims-na1.adobelogin.com"
    """Address that gives tokens."""
    transformations_member: Literal[
        "as_read", "transformationSpec", "transformationSpecs", "transformationSpecDTOS"
    ] = "as_read"
    """What a flow specification calls its transformations when it is written; the vendor's documents disagree."""
    run_window: Literal["none", "seconds", "milliseconds"] = "none"
    """Whether `tdr run dataflow/NAME` sends a window, from where the newest run that went well began to now, and in which unit of
    Unix time; the vendor's documents have examples of both units, and do not say whether one is needed."""


class SourceRegistrationSpec(Spec):
    """A source that people of the platform can choose: a connection specification, and its place in a flow specification."""

    source: SourceSpecName | None = None
    """Name of the SourceSpec document that says how rows are fetched."""
    definition: str | None = None
    """In its place the connection specification itself, as Adobe has it, JSON or YAML; or name a `file`."""
    file: Annotated[str, FileText(into="definition")] | None = None
    """Path of a file with the connection specification, relative to the project."""
    name: OneLine | None = None
    """Name of the source at the platform; the document's name when left out."""
    flow_spec: VendorId = REST_TO_PLATFORM
    """Id of the flow specification that takes its rows; RestStorageToAEP when left out."""

    @model_validator(mode="after")
    def _has_one_text(self) -> Self:
        # The loader puts the file's text into `definition`, so both may be set by then.
        is_inline = self.definition is not None or self.file is not None
        if (self.source is None) is not is_inline:
            message = "needs either `source`, the name of a SourceSpec document, or `definition` or `file`"
            raise ValueError(message)
        return self


class SourceAccountSpec(Spec):
    """Who reads from a source: a base connection with credentials."""

    source: RegistrationName | None = None
    """Name of the SourceRegistration document of the source."""
    connection_spec: VendorId | None = None
    """In its place the id of a connection specification of the catalogue."""
    name: OneLine | None = None
    """Name at the platform; the document's name when left out."""
    description: str | None = None
    """Text for people."""
    auth: OneLine
    """Name of the authentication, as the connection specification spells it."""
    params: dict[str, JsonValue] = Field(default_factory=dict)
    """Parameters of the authentication that everybody may read, such as `host` or `domain`."""
    secrets: dict[str, SecretText] = Field(default_factory=dict)
    """Those that nobody may: `password`, `accessToken`, `clientId`, `clientSecret`, `authKey1` and so on."""

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.source is None) is (self.connection_spec is None):
            message = "needs either `source`, the name of a SourceRegistration document, or a `connection_spec`"
            raise ValueError(message)
        if hidden := hidden_names(self.params):
            message = f"{hidden[0]!r} is a secret: write it in `secrets`, as ${{secret:env:NAME}}"
            raise ValueError(message)
        if twice := sorted(self.params.keys() & self.secrets.keys()):
            message = f"{twice[0]!r} stands in `params` and in `secrets`"
            raise ValueError(message)
        return self


class DatasetTarget(Spec):
    """Where rows land."""

    dataset_id: VendorId
    """Id of the dataset."""
    schema_id: OneLine
    """Id of its schema, an address such as https://ns.adobe.com/TENANT/schemas/…."""
    schema_version: OneLine = "application/vnd.adobe.xed-full+json;version=1"
    """Media type and version of the schema."""


class FieldMapping(Spec):
    """A mapping set, which people make in the platform or by its Data Prep API."""

    id: VendorId
    """Its id."""
    version: Annotated[int, Field(ge=0)] = 0
    """Its version."""


class Frequency(StrEnum):
    """How often a flow runs."""

    ONCE = "once"
    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"


class FlowSchedule(Spec):
    """When a flow runs."""

    start: Annotated[str, AfterValidator(_moment)] | None = None
    """When it begins, with its zone; when the flow is made if left out. It cannot be changed in place."""
    frequency: Frequency
    """once, minute, hour, day or week."""
    interval: Annotated[int, Field(ge=1)] | None = None
    """Every so many of them; 15 at least of minutes."""
    backfill: bool | None = None
    """Whether the first run takes everything that is there; it does when left out."""

    @model_validator(mode="after")
    def _fits_its_frequency(self) -> Self:
        if self.frequency is Frequency.ONCE:
            for name in ("interval", "backfill"):
                if getattr(self, name) is not None:
                    message = f"`{name}` does not go with `frequency: once`"
                    raise ValueError(message)
        elif self.interval is None:
            message = f"needs an `interval`: every so many of `{self.frequency.value}`"
            raise ValueError(message)
        elif self.frequency is Frequency.MINUTE and self.interval < 15:
            message = "`interval` of minutes is 15 or more"
            raise ValueError(message)
        return self

    @property
    def start_s(self) -> int | None:
        """When it begins, in Unix seconds."""
        return None if self.start is None else int(datetime.fromisoformat(self.start).astimezone(UTC).timestamp())


class DataflowSpec(Spec):
    """Rows that flow from an account's source into a dataset, and when."""

    account: SourceAccountName
    """Name of the SourceAccount document that reads."""
    params: dict[str, JsonValue] = Field(default_factory=dict)
    """Inputs that the source asks for, such as `listId`."""
    to: DatasetTarget
    """Where the rows land."""
    mapping: FieldMapping | None = None
    """Which fields of a row become which fields of the schema. Left out, a flow is made without one, and one that only others
    gave it stays; what is taken out of the document is taken off the flow."""
    schedule: FlowSchedule
    """When it runs."""
    enabled: bool = True
    """Whether it runs at all."""
    name: OneLine | None = None
    """Name at the platform; the document's name when left out."""
    description: str | None = None
    """Text for people."""
    flow_spec: VendorId = REST_TO_PLATFORM
    """Id of the flow specification; RestStorageToAEP when left out."""

    @model_validator(mode="after")
    def _keeps_secrets(self) -> Self:
        if hidden := hidden_names(self.params):
            message = f"{hidden[0]!r} is a secret, and inputs are shown: write it in `secrets` of the account"
            raise ValueError(message)
        return self
