"""Plans in files: what was reviewed is what runs, once, and not for ever."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from reconciler.errors import StalePlan, TdrError
from reconciler.model.json import digest
from reconciler.reports.documents import Document

VALID_FOR = timedelta(hours=72)
_PARTS = {
    "plan_id": str,
    "plan_digest": str,
    "environment": str,
    "expires_at": str,
    "base": dict,
    "changes": list,
    "complete": bool,
}


def save(path: Path, document: Document) -> None:
    """Write *document* with its own digest and its date of expiry.

    Raises:
        TdrError: the file cannot be written.
    """
    expires = datetime.fromisoformat(str(document["created_at"])) + VALID_FOR
    body = document | {"expires_at": expires.strftime("%Y-%m-%dT%H:%M:%SZ")}
    text = orjson.dumps(body | {"plan_id": digest(body)}, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    try:
        _put(path, text)
    except OSError as error:
        raise TdrError(
            f"the plan cannot be saved to {str(path)!r}: {error.strerror}", hint="name a file in a folder that is there"
        ) from error


def _put(path: Path, text: bytes) -> None:
    if path.exists() and not path.is_file():
        # A pipe or a device, such as /dev/stdout: to be written to, not to be replaced. A folder refuses.
        path.write_bytes(text)
        return
    target = path.resolve()
    partial = target.with_name(target.name + ".partial")
    try:
        partial.write_bytes(text)
        partial.replace(target)
    except OSError:
        partial.unlink(missing_ok=True)
        raise


def load(path: Path) -> dict[str, Any]:
    """Read a saved plan or any other document of ours.

    Raises:
        TdrError: there is no such file, or it is no document of ours.
        StalePlan: it is a plan that was changed after it was saved.
    """
    try:
        document = orjson.loads(path.read_bytes())
    except OSError as error:
        raise TdrError(f"{str(path)!r} cannot be read: {error.strerror}") from error
    except orjson.JSONDecodeError as error:
        raise TdrError(
            f"{str(path)!r} is not JSON: {error}", hint="name a file that `tdr plan --out FILE` wrote"
        ) from error
    if not isinstance(document, dict) or not str(document.get("format", "")).startswith("tdr."):
        raise TdrError(f"{str(path)!r} is not a document of tdr", hint="name a file that `tdr plan --out FILE` wrote")
    plan_id = document.get("plan_id")
    if plan_id is not None and plan_id != digest({key: value for key, value in document.items() if key != "plan_id"}):
        raise StalePlan(f"{str(path)!r} was changed after it was saved", hint="plan again")
    return document


def check(saved: dict[str, Any], *, environment: str, lineage: str, consumed: tuple[str, ...], now: datetime) -> None:
    """Refuse a saved plan that must not run any more, before anything is read from a vendor.

    Raises:
        StalePlan: used, expired, or of another environment or state.
    """
    if saved.get("format") != "tdr.plan" or "plan_id" not in saved:
        raise TdrError("that file is not a saved plan", hint="make one with `tdr plan --out FILE`")
    if any(not isinstance(saved.get(part), shape) for part, shape in _PARTS.items()):
        raise _not_whole()
    if saved["environment"] != environment:
        raise StalePlan(f"the plan is for the environment {saved['environment']!r}, not {environment!r}")
    if saved["plan_id"] in consumed:
        raise StalePlan("the plan was applied already", hint="plan again")
    if _expiry(saved["expires_at"]) < now:
        raise StalePlan(f"the plan expired at {saved['expires_at']}", hint="plan again")
    if saved["base"].get("lineage") != lineage:
        raise StalePlan("the plan was made with another state", hint="plan again")


def _expiry(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise _not_whole() from error
    if moment.tzinfo is None:
        raise _not_whole()
    return moment


def _not_whole() -> TdrError:
    return TdrError("that file is no whole plan", hint="make one with `tdr plan --out FILE`")


def compare(saved: dict[str, Any], fresh: Document) -> None:
    """Refuse when planning again comes to anything else than what was reviewed.

    Raises:
        StalePlan: names the first operation that differs, then and now.
    """
    base = fresh["base"]
    if isinstance(base, dict) and saved["base"].get("config_digest") != base["config_digest"]:
        raise StalePlan("the manifests are not those of the plan", hint="plan again")
    if saved["plan_digest"] == fresh["plan_digest"]:
        return
    then = {change["address"]: change for change in saved["changes"]}
    changes = fresh["changes"]
    now = (
        {str(change["address"]): change for change in changes if isinstance(change, dict)}
        if isinstance(changes, list)
        else {}
    )
    for address in sorted(then.keys() | now.keys()):
        before, after = then.get(address), now.get(address)
        if _operation(before) != _operation(after):
            raise StalePlan(
                f"{address}: planned was {_words(before)}, now it would be {_words(after)}",
                hint="plan again and review it",
            )
    raise StalePlan("a secret or an id is not what it was when the plan was made", hint="plan again")


def _operation(change: Any) -> object:
    if change is None:
        return None
    return (change["actions"], change["id"], [(field["path"], field["after"]) for field in change["fields"]])


def _words(change: Any) -> str:
    if change is None or change["actions"] == ["noop"]:
        return "nothing"
    fields = ", ".join(field["path"] for field in change["fields"])
    return str(change["actions"][0]) + (f" of {fields}" if fields else "")
