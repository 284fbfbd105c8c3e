"""Tells who is to be told how a command ended: once a command, and nothing that goes wrong with it changes how it ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import orjson

from reconciler import durable
from reconciler.commands.answer import BLOCKED, OK
from reconciler.errors import TdrError, UsageError
from reconciler.model.notifications import Event, Receiver
from reconciler.reports import notification
from reconciler.wiring.notifying import Message, Sender, run_page

if TYPE_CHECKING:
    from reconciler.manifest import Project

_CHANGING: Final = frozenset({"apply", "destroy", "rollback"})
_NO_GOOD_END: Final = frozenset({"error", "killed"})
_NOTED: Final = "notified.json"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a *command*, such as ``apply``, ended: with the *document* that it came to, or one that says why there is none.

    run: what this call is named by, in the log and in the history.
    """

    command: str
    run: str
    exit_code: int
    document: Mapping[str, Any]


def notify(
    outcome: Outcome,
    receivers: Sequence[Receiver],
    project: Project,
    environment: str,
    sender: Sender,
) -> list[TdrError]:
    """Tell those of *receivers* that want to know it; what went wrong with that."""
    folder = project.root / project.spec.state / environment
    told = _last_told(folder) if outcome.command == "drift" else None
    event = event_of(outcome, told)
    failures: list[TdrError] = []
    if event is not None:
        failures = sender.send(
            [
                Message(
                    one,
                    notification.document(
                        event,
                        outcome.command,
                        outcome.run,
                        outcome.exit_code,
                        outcome.document,
                        project=project.spec.project,
                        environment=environment,
                        link=one.link or run_page(sender.environ),
                    ),
                )
                for one in receivers
                if event in one.on
            ]
        )
    # Who was not told is told by the next look.
    if not failures and _is_whole_look(outcome.document):
        failures += _note(folder, outcome.document["digest"] if _moved(outcome.document) else "", told)
    return failures


def event_of(outcome: Outcome, told: str | None) -> Event | None:  # noqa: PLR0911 - one for each document
    """What there is to tell of *outcome*; None for nothing.

    told: the digest of the drift that was last told, "" when that was that all is as applied; None when nothing was told.
    """
    if outcome.exit_code == UsageError.exit_code:
        return None  # who typed it is told already
    document = outcome.document
    match document["format"]:
        case "tdr.drift":
            return _of_look(document, told)
        case "tdr.run" if document["exit_code"] == OK:
            return Event.APPLIED if document["results"] else None
        case "tdr.plan":
            return Event.GATE if outcome.exit_code == BLOCKED else None
        case "tdr.job":
            # One that nobody watches any more goes on where it runs.
            return Event.FAILED if document["status"] in _NO_GOOD_END else None
        case _ if outcome.command == "drift":
            return Event.SCAN_FAILED
        case _ if outcome.exit_code == BLOCKED and outcome.command in _CHANGING:
            return Event.GATE
        case _:
            return Event.FAILED


def _of_look(document: Mapping[str, Any], told: str | None) -> Event | None:
    if "accepted" in document:
        return None
    if not _is_all_read(document):
        return Event.SCAN_FAILED
    is_part = document["partial"] is not None
    known = told if told is not None and not is_part else document["since"]
    if _moved(document):
        return Event.DRIFT if document["digest"] not in {known, document["since"]} else None
    return Event.DRIFT_RESOLVED if known and known != document["digest"] and not is_part else None


def _is_all_read(document: Mapping[str, Any]) -> bool:
    return not document["summary"]["unknown"] and not document.get("unlisted")


def _moved(document: Mapping[str, Any]) -> bool:
    return bool(document["summary"]["drifted"] or document["summary"]["missing"])


def _is_whole_look(document: Mapping[str, Any]) -> bool:
    is_look = document["format"] == "tdr.drift" and "accepted" not in document
    return is_look and _is_all_read(document) and document["partial"] is None


def _last_told(folder: Path) -> str | None:
    """What *folder* has noted, as `event_of` takes it; None where there is nothing, or nothing that can be read."""
    try:
        noted = orjson.loads((folder / _NOTED).read_bytes())
        return str(noted["drift"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _note(folder: Path, now: str, before: str | None) -> list[TdrError]:
    if now == before:
        return []
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        durable.replace(folder / _NOTED, orjson.dumps({"drift": now}))
    except OSError as error:
        message = f"what was told of drift cannot be noted in {str(folder / _NOTED)!r}: {error.strerror}"
        return [TdrError(message, hint="the next look tells it once more")]
    return []
