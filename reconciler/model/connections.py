"""Connections that a manifest may declare: who answers, and with which credentials."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Final, Literal, Self

from pydantic import Discriminator, Field, JsonValue, model_validator

from reconciler.model.exports import ConnectorType, Setting, secret_names
from reconciler.model.salesforce import SalesforceConnection
from reconciler.model.spec import OneLine, SecretText, Spec, WebAddress
from reconciler.model.state_place import Prefix

BUCKET_SECRETS: Final = ("access_key_id", "secret_access_key", "session_token")
"""What a connection to files in a bucket may hold."""


class PinterestConnection(Spec):
    """Credentials of a Pinterest app that may manage an ad account's audiences."""

    type: Literal["pinterest"]
    """What answers: Pinterest's API."""
    client_id: SecretText
    """Id of the app."""
    client_secret: SecretText
    """Secret of the app."""
    refresh_token: SecretText
    """Token that access tokens are made from."""
    base_url: WebAddress | None = None
    """Address of the API; the environment's `endpoints.pinterest` when left out."""
    name: OneLine | None = None
    """Name of the connection in Treasure Data; the document's name when left out."""


class FilesConnection(Spec):
    """A folder of the project, or a bucket of an object store that speaks S3, which files are read from and written to."""

    type: Literal["files"]
    """What answers: the disk, or the store."""
    root: str = "."
    """Folder inside the project."""
    bucket: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")] | None = None
    """Bucket, which exists, in the place of a folder; needs `pip install 'tdr[s3]'`. Embedded service only."""
    prefix: Prefix | None = None
    """Where in the bucket; all of it when left out."""
    region: OneLine | None = None
    """Region of the bucket; from AWS_REGION when left out."""
    endpoint: WebAddress | None = None
    """Address of the store, where it is not AWS."""
    access_key_id: SecretText | None = None
    """Looked for as AWS's own tools do when left out."""
    secret_access_key: SecretText | None = None
    """Goes with `access_key_id`."""
    session_token: SecretText | None = None
    """Of temporary credentials."""
    name: OneLine | None = None
    """Name in Treasure Data; the document's name when left out."""

    @model_validator(mode="after")
    def _is_one_place(self) -> Self:
        of_bucket = ("prefix", "region", "endpoint", *BUCKET_SECRETS)
        if self.bucket is None:
            for name in of_bucket:
                if getattr(self, name) is not None:
                    message = f"`{name}` belongs to a `bucket`"
                    raise ValueError(message)
        elif "root" in self.model_fields_set:
            message = "`root` is a folder of the project and `bucket` is elsewhere: keep one"
            raise ValueError(message)
        if (self.access_key_id is None) is not (self.secret_access_key is None):
            message = "`access_key_id` and `secret_access_key` go together"
            raise ValueError(message)
        return self


class IntercomRegion(StrEnum):
    """Where a workspace of Intercom is kept; its token is refused elsewhere."""

    US = "us"
    EU = "eu"
    AU = "au"


INTERCOM_ADDRESSES: Final = {
    IntercomRegion.US: "https://api.intercom.io",
    IntercomRegion.EU: "https://api.eu.intercom.io",
    IntercomRegion.AU: "https://api.au.intercom.io",
}


class IntercomConnection(Spec):
    """Credentials of a workspace at Intercom. Of its two kinds the token wins, as it does at Treasure Data."""

    type: Literal["intercom"]
    """What answers: Intercom's API."""
    access_token: SecretText | None = None
    """Token of an app, or of a person's consent. Left out where people make the connection in a console."""
    app_id: OneLine | None = None
    """The older way in, with `api_key`: for connections that are there already. Intercom itself has retired it."""
    api_key: SecretText | None = None
    """Key that belongs to `app_id`."""
    region: IntercomRegion | None = None
    """Where the workspace is kept: us (when left out), eu or au."""
    base_url: WebAddress | None = None
    """Address of the API in the place of the region's; the environment's `endpoints.intercom` when left out."""
    name: OneLine | None = None
    """Name of the connection in Treasure Data; the document's name when left out."""

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.app_id is None) is not (self.api_key is None):
            message = "`app_id` and `api_key` go together; better than both is an `access_token`"
            raise ValueError(message)
        if self.region is not None and self.base_url is not None:
            message = "`region` and `base_url` both say where the API is: keep one"
            raise ValueError(message)
        return self


class RestAuthentication(StrEnum):
    """How a REST API is told who asks. Source: the types of Adobe's `authSpec`."""

    NONE = "none"
    BASIC = "BasicAuthentication"
    KEY = "KeyBased"
    REFRESH_CODE = "OAuth2RefreshCode"
    CLIENT_CREDENTIAL = "OAuth2 Client Credential"


_HIDDEN: Final = re.compile(
    r"client_?id|secret|passw|passphrase|credential|api_?key|private_?key|access_?key|auth_?key|session_?id|json_keyfile"
    r"|^authorization$|token$",
    re.IGNORECASE,
)
"""Names of parameters that a service hides when they are read, or had better."""


def hidden_names(names: Iterable[str]) -> list[str]:
    """Those of *names* that only secrets have, sorted."""
    return sorted(name for name in names if _HIDDEN.search(name))


class RestConnection(Spec):
    """Who reads from a REST API that a SourceSpec document describes, in the words of its authentication."""

    type: Literal["rest"]
    """What answers: a REST API."""
    auth: RestAuthentication = RestAuthentication.NONE
    """Which of the authentications of the specification is meant."""
    params: dict[str, JsonValue] = Field(default_factory=dict)
    """Parameters of the authentication that everybody may read, such as `host`, `domain` or `accessTokenUrl`."""
    secrets: dict[str, SecretText] = Field(default_factory=dict)
    """Those that nobody may: `password`, `accessToken`, `refreshToken`, `clientId`, `clientSecret`, `authKey1` and so on."""
    allowed_hosts: tuple[Annotated[str, Field(pattern=r"^(\*\.)?[a-z0-9.-]+(:[0-9]{1,5})?$")], ...] = ()
    """The only hosts that the credentials go to, `*.example.com` for all below one; left out, the specification's host."""
    allow_private: bool = False
    """Whether the API may be in a private network or on this machine, and be read without encryption."""
    name: OneLine | None = None
    """Name of the connection in Treasure Data; the document's name when left out."""

    @model_validator(mode="after")
    def _keeps_secrets(self) -> Self:
        if hidden := hidden_names(self.params):
            message = f"{hidden[0]!r} is a secret: write it in `secrets`, as ${{secret:env:NAME}}"
            raise ValueError(message)
        if twice := sorted(self.params.keys() & self.secrets.keys()):
            message = f"{twice[0]!r} stands in `params` and in `secrets`"
            raise ValueError(message)
        return self


class OtherConnection(Spec):
    """Credentials of any other system that the vendor has a connector for."""

    type: Literal["other"]
    """What answers: whatever `connector` says."""
    connector: ConnectorType
    """Type of the connector at Treasure Data, such as sfdc_v2."""
    settings: dict[str, Setting] = Field(default_factory=dict)
    """Where and how it connects, in the connector's own words."""
    secrets: dict[str, SecretText] = Field(default_factory=dict)
    """Settings that nobody may read."""
    name: OneLine | None = None
    """Name of the connection in Treasure Data; the document's name when left out."""

    @model_validator(mode="after")
    def _is_no_other(self) -> Self:
        if self.connector in {"pinterest", "files", "intercom", "rest"}:
            message = f"`type: {self.connector}` has words of its own for this"
            raise ValueError(message)
        if twice := sorted(self.settings.keys() & self.secrets.keys()):
            message = f"{twice[0]!r} stands in `settings` and in `secrets`"
            raise ValueError(message)
        if hidden := secret_names(self.settings):
            message = f"{hidden[0]!r} is a secret: write it in `secrets`, as ${{secret:env:NAME}}"
            raise ValueError(message)
        return self


ConnectionSpec = Annotated[
    PinterestConnection
    | FilesConnection
    | IntercomConnection
    | SalesforceConnection
    | RestConnection
    | OtherConnection,
    Discriminator("type"),
]
