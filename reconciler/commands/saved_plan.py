"""Plans in files: what was reviewed is what runs, once, and not for ever. No secret is in them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from reconciler.commands.given_files import content, put
from reconciler.errors import StalePlan, TdrError
from reconciler.model.json import digest
from reconciler.reports.documents import FORMAT_VERSION, Document

VALID_FOR_S = 72 * 3600.0
_NAME_A_PLAN = "name a file that `tdr plan --out FILE` wrote"
_THE_PLAN = "the plan"
_MAKE_ONE = "make one with `tdr plan --out FILE`"
_PARTS = {
    "format_version": str,
    "plan_id": str,
    "plan_digest": str,
    "environment": str,
    "created_at": str,
    "expires_at": str,
    "base": dict,
    "changes": list,
    "complete": bool,
}


def save(path: Path, document: Document, valid_for_s: float = VALID_FOR_S) -> None:
    """Write *document* with its own digest and its date of expiry.

    Raises:
        TdrError: the file cannot be written.
    """
    expires = datetime.fromisoformat(str(document["created_at"])) + timedelta(seconds=valid_for_s)
    body = document | {"expires_at": expires.strftime("%Y-%m-%dT%H:%M:%SZ")}
    text = orjson.dumps(body | {"plan_id": digest(body)}, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    try:
        put(path, text)
    except OSError as error:
        raise TdrError(
            f"the plan cannot be saved to {str(path)!r}: {error.strerror}", hint="name a file in a folder that is there"
        ) from error


def load(path: Path) -> dict[str, Any]:
    """Read a saved plan or any other document of ours.

    Raises:
        TdrError: there is no such file, or it is no document of ours.
        StalePlan: it is a plan that was changed after it was saved.
    """
    data = content(path, _NAME_A_PLAN)
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise TdrError(f"{str(path)!r} is not JSON: {error}", hint=_NAME_A_PLAN) from error
    if not isinstance(document, dict) or not str(document.get("format", "")).startswith("tdr."):
        raise TdrError(f"{str(path)!r} is not a document of tdr", hint=_NAME_A_PLAN)
    plan_id = document.get("plan_id")
    if plan_id is not None and plan_id != digest({key: value for key, value in document.items() if key != "plan_id"}):
        raise StalePlan(f"{str(path)!r} was changed after it was saved", hint="plan again")
    return document


def whole(saved: Mapping[str, Any], name: str) -> None:
    """Refuse what is no saved plan, or one of a version that this tdr does not know. *name*: what it is called in the message.

    Raises:
        TdrError: it is none, or parts of it are missing.
        StalePlan: it is of another version of the format.
    """
    if saved.get("format") != "tdr.plan" or "plan_id" not in saved:
        raise TdrError(f"{name} is not a saved plan", hint=_MAKE_ONE)
    if any(not isinstance(saved.get(part), shape) for part, shape in _PARTS.items()):
        raise _not_whole(name)
    if saved["format_version"].partition(".")[0] != FORMAT_VERSION.partition(".")[0]:
        raise StalePlan(
            f"{name} is of the format {saved['format_version']}, and this tdr reads {FORMAT_VERSION}",
            hint=f"plan again, or apply it with tdr {saved.get('tdr_version')}",
        )
    for moment in ("created_at", "expires_at"):
        _moment(saved[moment], name)


def made(saved: Mapping[str, Any]) -> datetime:
    """When a saved plan was made.

    Raises:
        TdrError: it does not say.
    """
    return _moment(saved["created_at"], _THE_PLAN)


def expiry(saved: Mapping[str, Any]) -> datetime:
    """When a saved plan ends.

    Raises:
        TdrError: it does not say.
    """
    return _moment(saved["expires_at"], _THE_PLAN)


def _moment(text: str, name: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise _not_whole(name) from error
    if moment.tzinfo is None:
        raise _not_whole(name)
    return moment


def _not_whole(name: str) -> TdrError:
    return TdrError(f"{name} is no whole plan", hint=_MAKE_ONE)
