"""Connections that a manifest may declare: who answers, and with which credentials."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final, Literal, Self

from pydantic import Discriminator, Field, model_validator

from reconciler.model.exports import ConnectorType, Setting, secret_names
from reconciler.model.spec import OneLine, SecretText, Spec, WebAddress


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
    """A folder that files are read from."""

    type: Literal["files"]
    """What answers: the disk."""
    root: str = "."
    """Folder inside the project."""
    name: OneLine | None = None
    """Name in Treasure Data; the document's name when left out."""


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
        if self.connector in {"pinterest", "files", "intercom"}:
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
    PinterestConnection | FilesConnection | IntercomConnection | OtherConnection, Discriminator("type")
]
