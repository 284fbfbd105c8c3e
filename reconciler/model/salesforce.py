"""What manifests say of Salesforce: who logs in, which object rows go to, and what they do there. No word of Treasure Data's."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Final, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from reconciler.model.spec import ConnectionName, OneLine, SecretText, Spec, WebAddress

OLDEST_SERVED: Final = 31
"""API versions before it are retired since Summer '25; those up to 40.0 follow with Summer '28."""
OLDEST_LASTING: Final = 41
LAST_WITH_SOAP_LOGIN: Final = 64
"""From 65.0 on there is no login with a password; in the versions before it ends with Summer '27."""
DEFAULT_VERSION: Final = "60.0"

ApiName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,79}$")]
"""API name of an object or a field: `Contact`, `Email__c`, `acme__Tier__c`."""


class Auth(StrEnum):
    """How tdr proves to Salesforce who it is."""

    CLIENT_CREDENTIALS = "client_credentials"
    REFRESH_TOKEN = "refresh_token"  # noqa: S105 - the word, no secret
    JWT = "jwt"
    CREDENTIALS = "credentials"
    SESSION_ID = "session_id"


NEEDED: Final = {
    Auth.CLIENT_CREDENTIALS: ("client_id", "client_secret"),
    Auth.REFRESH_TOKEN: ("client_id", "refresh_token"),
    Auth.JWT: ("client_id", "username", "private_key"),
    Auth.CREDENTIALS: ("username", "password"),
    Auth.SESSION_ID: ("session_id",),
}
"""What each way needs, and no more but the optional ones."""
OPTIONAL: Final = {
    Auth.REFRESH_TOKEN: ("client_secret",),
    Auth.JWT: ("audience",),
    Auth.CREDENTIALS: ("security_token",),
}
SECRETS: Final = frozenset(
    {"client_id", "client_secret", "refresh_token", "private_key", "password", "security_token", "session_id"}
)
"""Those of all of them that are never shown."""


def _version(value: object) -> object:
    """``60`` and ``v60.0`` are ``60.0``; what is none stays, for the pattern to say so."""
    text = value.strip().lower().removeprefix("v") if isinstance(value, str) else value
    return f"{text}.0" if isinstance(text, str) and text.isdecimal() else text


ApiVersion = Annotated[
    str, BeforeValidator(_version, json_schema_input_type=str), Field(pattern=r"^[1-9][0-9]{0,2}\.0$")
]


class SalesforceConnection(Spec):
    """A Salesforce org, and the user in whose name tdr writes."""

    type: Literal["salesforce"]
    """What answers: Salesforce's API."""
    auth: Auth
    """client_credentials, refresh_token or jwt; credentials and session_id only where nothing else is possible."""
    login_url: WebAddress = "https://login.salesforce.com"
    """Where to log in: the org's My Domain, or https://test.salesforce.com for a sandbox; with a session id, the instance."""
    client_id: SecretText | None = None
    """Consumer key of the app."""
    client_secret: SecretText | None = None
    """Consumer secret of the app."""
    refresh_token: SecretText | None = None
    """Token that access tokens are made from."""
    private_key: SecretText | None = None
    """Private key in PEM that signs the JWT; its certificate stands in the app."""
    audience: WebAddress | None = None
    """Whom the JWT is for: https://login.salesforce.com, https://test.salesforce.com or the My Domain; else `login_url`."""
    username: OneLine | None = None
    """User that rows are written as."""
    password: SecretText | None = None
    """Password, the security token behind it or in `security_token`."""
    security_token: SecretText | None = None
    """Security token; not needed from trusted addresses."""
    session_id: SecretText | None = None
    """Session of somebody who logged in elsewhere. It cannot be renewed."""
    api_version: ApiVersion = DEFAULT_VERSION
    """Version of the API, such as 60.0. Below 41.0 only Bulk API 1.0 is there, until Summer '28."""
    name: OneLine | None = None
    """Name of the connection in Treasure Data; the document's name when left out."""

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Self:
        needed = NEEDED[self.auth]
        for name in needed:
            if getattr(self, name) is None:
                message = f"`auth: {self.auth}` needs `{name}`"
                raise ValueError(message)
        allowed = {*needed, *OPTIONAL.get(self.auth, ())}
        for name in sorted({one for names in (*NEEDED.values(), *OPTIONAL.values()) for one in names} - allowed):
            if getattr(self, name) is not None:
                message = f"`{name}` has no meaning with `auth: {self.auth}`, which takes {', '.join(sorted(allowed))}"
                raise ValueError(message)
        return self

    @property
    def version(self) -> int:
        """Its API version as a number."""
        return int(self.api_version.partition(".")[0])


class ToObject(Spec):
    """Target of an activation: an object of a CRM."""

    connection: ConnectionName
    """Name of a Connection document of type salesforce."""
    object: ApiName
    """API name of the object, such as Contact or Member__c."""


class Removal(StrEnum):
    """What becomes of the records that are there."""

    SOFT = "soft"
    HARD = "hard"


_EXTERNAL_ID: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*__c")


class Write(Spec):
    """What rows do to the object: exactly one of these. `write: insert` is short for the first."""

    insert: bool = False
    """Every row becomes a record."""
    upsert: ApiName | None = None
    """External id field: rows whose key is there change that record, others become one."""
    update: ApiName | None = None
    """Id, or a field by which records are found: rows whose key is not there are left out."""
    replace: Removal | None = None
    """All records are deleted first, `soft` into the recycle bin or `hard`; then every row becomes a record."""

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if self.insert + sum(value is not None for value in (self.upsert, self.update, self.replace)) != 1:
            message = "must be insert, or exactly one of `upsert`, `update` and `replace`"
            raise ValueError(message)
        if self.upsert is not None and _EXTERNAL_ID.fullmatch(self.upsert) is None:
            message = (
                f"`upsert: {self.upsert}`: the key must be an external id, and only custom fields (…__c) can be one; "
                f"write `update: {self.upsert}` to change records without making any"
            )
            raise ValueError(message)
        return self

    @property
    def key(self) -> str:
        """The field that records are found by; "" when none is."""
        return self.upsert or self.update or ""


def _short_write(value: object) -> object:
    """The short form is the one word that needs no field."""
    if isinstance(value, str):
        if value.strip() != "insert":
            message = f"must be insert, {{upsert: KEY}}, {{update: KEY}} or {{replace: soft}}: {value!r}"
            raise ValueError(message)
        return {"insert": True}
    return value


Writing = Annotated[Write, BeforeValidator(_short_write, json_schema_input_type=Literal["insert"] | Write)]


class EmptyValues(StrEnum):
    """What a row without a value does to the field of a record that is there."""

    KEEP = "keep"
    ERASE = "erase"


class Concurrency(StrEnum):
    """Whether Salesforce works on several batches at once."""

    PARALLEL = "parallel"
    SERIAL = "serial"


class ObjectDelivery(Spec):
    """How rows travel; what is left out is the vendor's default."""

    concurrency: Concurrency | None = None
    """parallel, or serial where records lock each other (UNABLE_TO_LOCK_ROW)."""
    batch_size: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """Rows of a batch at most."""
    retry_initial_wait_secs: Annotated[int, Field(ge=0, le=3_600)] | None = None
    """Seconds before the first repetition; doubles each time."""
    retry_limit: Annotated[int, Field(ge=0, le=32)] | None = None
    """How often requests, and rows that were locked, are sent again."""
