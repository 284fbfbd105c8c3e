"""Sends what is to be told of a command: all receivers at once, and none is waited for longer than the others."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import orjson

from reconciler.apis.webhooks import Patience, Undelivered, check, post, signature
from reconciler.errors import SecretError, TdrError, UsageError
from reconciler.manifest.secrets import SecretReference, SecretValues
from reconciler.model.notifications import Receiver, SlackReceiver, WebhookReceiver
from reconciler.reports import slack
from reconciler.wiring.forges import setting_of

if TYPE_CHECKING:
    from reconciler.manifest import Project
    from reconciler.model.secret import Secret
    from reconciler.ports.clock import Clock
    from reconciler.reports.documents import Document

PATIENCE: Final = Patience()
LIMIT_S: Final = 30.0
"""For all receivers together, their secrets included: a command that is over does not go on for longer."""


@dataclass(frozen=True, slots=True)
class Message:
    """What one receiver is told. *document*: a ``tdr.notification``."""

    receiver: Receiver
    document: Document


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends for *project*. *limit_s*: for everything, by the machine's clock."""

    project: Project
    clock: Clock
    environ: Mapping[str, str]
    patience: Patience = PATIENCE
    limit_s: float = LIMIT_S

    def send(self, messages: Sequence[Message]) -> list[TdrError]:
        """Why some were not delivered; the message of each names the receiver by what its address is called."""
        failures: dict[int, TdrError] = {}
        threads = [
            # Daemons: what is still sending when the time is up ends with the process.
            threading.Thread(target=self._tried, args=(failures, place, message), name="notifying", daemon=True)
            for place, message in enumerate(messages)
        ]
        over_at = time.monotonic() + self.limit_s
        for thread in threads:
            thread.start()
        for place, thread in enumerate(threads):
            thread.join(max(0.0, over_at - time.monotonic()))
            if thread.is_alive():
                failures[place] = Undelivered(f"no answer came within {self.limit_s:g} s")
        return [
            TdrError(f"{_name(messages[place].receiver)} was not told: {error.message}", hint=error.hint)
            for place, error in sorted(failures.items())
        ]

    def check(self, receivers: Sequence[Receiver]) -> list[TdrError]:
        """What would keep some of *receivers* from being sent anything, as far as it is known without sending."""
        failures: list[TdrError] = []
        for receiver in receivers:
            try:
                check(self._revealed(receiver.url), allow_private=receiver.allow_private)
                if isinstance(receiver, WebhookReceiver) and receiver.secret is not None:
                    self._revealed(receiver.secret)
            except TdrError as error:
                failures.append(TdrError(f"{_name(receiver)}: {error.message}", hint=error.hint))
        return failures

    def _tried(self, failures: dict[int, TdrError], place: int, message: Message) -> None:
        try:
            self._send(message)
        except TdrError as error:
            failures[place] = error
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not end a command that went well
            failures[place] = Undelivered(f"this is a bug in tdr ({type(error).__name__})")

    def _send(self, message: Message) -> None:
        receiver = message.receiver
        address = self._revealed(receiver.url)
        headers = {"Tdr-Event": str(message.document["event"]), "Tdr-Delivery": str(uuid.uuid4())}
        match receiver:
            case SlackReceiver():
                body = orjson.dumps(slack.payload(message.document))
            case WebhookReceiver():
                body = orjson.dumps(message.document)
                if receiver.secret is not None:
                    at = str(int(self.clock.now()))
                    signed = signature(self._revealed(receiver.secret), at, body)
                    headers |= {"Tdr-Timestamp": at, "Tdr-Signature": signed}
        post(
            address, body, headers, allow_private=receiver.allow_private, clock=self.clock, patience=self.patience
        )  # fmt: skip

    def _revealed(self, secret: Secret) -> str:
        """The value; its text when it is known already.

        Raises:
            SecretError: it cannot be looked up.
        """
        if isinstance(secret, SecretReference):
            values = SecretValues(self.project.root, self.project.spec.secret_commands, self.environ)
            secret = values(secret.reference)
        value = secret.reveal()
        if not value.strip():
            raise SecretError(f"the secret `{secret.reference}` is empty", hint="give it a value where it is kept")
        return value


def _name(receiver: Receiver) -> str:
    return f"the {receiver.type} receiver at ${{secret:{receiver.url.reference}}}"


def run_page(environ: Mapping[str, str]) -> str:
    """The page of the pipeline's run that this is; "" where it is none."""
    try:
        return setting_of(environ).run_url
    except UsageError:
        return ""
