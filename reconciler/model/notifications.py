"""Who is told how commands ended: what `notifications` of an environment may say."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from reconciler.model.spec import SecretText, Spec, WebAddress


class Event(StrEnum):
    """What there is to tell of a command, at most one thing."""

    APPLIED = "applied"
    """An apply, destroy or rollback changed something, and all of it went well."""
    FAILED = "failed"
    """One of these, or a run, came to no good end, or only to a part of it."""
    GATE = "gate"
    """A person must decide before one of these goes on."""
    DRIFT = "drift"
    """Somebody moved something, and otherwise than was told last."""
    DRIFT_RESOLVED = "drift_resolved"
    """What had drifted is as applied again."""
    SCAN_FAILED = "scan_failed"
    """A look for drift could not see everything."""


Events = Annotated[tuple[Event, ...], Field(min_length=1)]
EVERY_EVENT = tuple(Event)


class WebhookReceiver(Spec):
    """A server of your own, which is sent a document."""

    type: Literal["webhook"]
    """What is sent: JSON, as `tdr.notification` describes it."""
    url: SecretText
    """Where to: a reference, for whoever knows the address may write there. https, unless `allow_private`."""
    on: Events = EVERY_EVENT
    """What is told; everything when left out."""
    link: WebAddress | None = None
    """Where a reader looks next; the page of the pipeline's run when left out."""
    allow_private: bool = False
    """Whether the address may be on this machine or in a private network, and may be http."""
    secret: SecretText | None = None
    """What the body is signed with, for the receiver to see who sent it."""


class SlackReceiver(Spec):
    """A channel of Slack, by an incoming webhook."""

    type: Literal["slack"]
    """What is sent: a message of blocks, as Slack's incoming webhooks take it."""
    url: SecretText
    """The webhook's address: a reference, for whoever knows it may write there."""
    on: Events = EVERY_EVENT
    """What is told; everything when left out."""
    link: WebAddress | None = None
    """Where a reader looks next; the page of the pipeline's run when left out."""
    allow_private: bool = False
    """Whether the address may be on this machine or in a private network, and may be http: for what speaks as Slack does."""


Receiver: TypeAlias = Annotated[WebhookReceiver | SlackReceiver, Field(discriminator="type")]
