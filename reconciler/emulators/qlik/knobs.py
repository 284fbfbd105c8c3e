"""What Qlik's documentation leaves open, or what a test wants otherwise."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Knobs(BaseModel):
    """How this tenant behaves. The defaults are what the descriptions of the API suggest.

    code_on_post: what becomes of ``qlik-auth-code`` on the POST of a connection; it is described for PATCH only. ``needed``
        refuses a connection without one.
    code_life_s: how long a code can be used.
    page_life_s: how long the page of an authorisation can be used.
    heeds_auth_url_only: whether the page of consent is told; else a connection is made, as for sources without consent.
    api_specs: how the properties of a data source are told; their form is not described.
    property_names: how the properties of Pinterest Marketing are called, which is not published.
    refuses_other_properties: whether a property that ``api-specs`` does not tell of is refused; nothing says so.
    patches_properties: whether PATCH takes ``/connectionProperties/NAME``.
    tells_credentials: whether a connection that was authorised tells ``qCredentialsID``.
    reads_per_minute, writes_per_minute: the tiers of the rate limit; 0 limits nothing.
    action_polls: how often the state of an action is asked for before it is completed.
    action_ends: how actions end.
    run_polls: how often the state of a run is asked for before it is completed; None for runs that go on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    code_on_post: Literal["ignored", "taken", "needed"] = "ignored"
    code_life_s: float = Field(default=600, ge=0)
    page_life_s: float = Field(default=3600, ge=0)
    heeds_auth_url_only: bool = True
    api_specs: Literal["mapping", "list", "schema"] = "mapping"
    property_names: Literal["camel", "snake"] = "camel"
    refuses_other_properties: bool = False
    patches_properties: bool = True
    tells_credentials: bool = True
    reads_per_minute: int = Field(default=1000, ge=0)
    writes_per_minute: int = Field(default=100, ge=0)
    action_polls: int = Field(default=1, ge=0)
    action_ends: Literal["COMPLETED", "FAILED", "CANCELED"] = "COMPLETED"
    run_polls: int | None = None
