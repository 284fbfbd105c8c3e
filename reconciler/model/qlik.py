"""What may be declared of a tenant of Qlik Cloud: connections that its tasks read through, and those tasks."""

from __future__ import annotations

from datetime import date
from typing import Final, Literal, Self

from pydantic import Field, model_validator

from reconciler.model.connections import hidden_names
from reconciler.model.spec import OneLine, SecretText, Spec, WebAddress

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
    other_properties: dict[OneLine, str | bool | int] = Field(default_factory=dict)
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
        return self
