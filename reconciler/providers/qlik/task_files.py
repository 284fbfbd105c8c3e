"""What the files of a task say, in the words of documents, and how these are written into them."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from reconciler.model.json import Json
from reconciler.model.qlik import QlikMethod, QlikTaskSpec, QlikTaskType
from reconciler.providers.qlik.archive import Document, TaskFiles

_FULL_LOAD_ONLY: Final = "fullLoadOnly"
_WHOLE: Final = {QlikTaskType.LANDING: QlikMethod.RELOAD_AND_COMPARE, QlikTaskType.LAKE_LANDING: QlikMethod.RELOAD}
"""Type of task -> its method without changes; with changes it is `cdc`."""
_WHOLE_BY_DEFAULT: Final = {QlikTaskType.LANDING: True, QlikTaskType.LAKE_LANDING: False}
"""Source: the vendor's schemas."""
_FLAGS: Final = ("fullLoad", "applyChanges", "storeChanges")
_ANY: Final = "%"


def method_of(kind: QlikTaskType, files: TaskFiles) -> str:
    """The method of a task; for replication that applies changes the vendor's own word, for other types ""."""
    if kind in _WHOLE:
        is_whole = files.settings.get(_FULL_LOAD_ONLY, _WHOLE_BY_DEFAULT[kind])
        return (_WHOLE[kind] if is_whole is True else QlikMethod.CDC).value
    if kind is not QlikTaskType.REPLICATION:
        return ""
    told = files.settings.get("taskSettings")
    flags = {name for name in _FLAGS if isinstance(told, dict) and told.get(name) is True}
    if "applyChanges" in flags:
        return "apply-changes"
    return (QlikMethod.CDC_CHANGE_TABLES if "storeChanges" in flags else QlikMethod.FULL_LOAD).value


def tables_of(files: TaskFiles) -> list[Json]:
    """Names of tables and patterns of names, sorted."""
    named = [str(one.get("name")) for one in _entries(files.tables, "explicitlySelected")]
    patterns = [str(one.get("tablePattern")) for one in _entries(files.tables, "includePatterns")]
    return [*sorted({*named, *patterns})]


def setting_of(files: TaskFiles, at: str) -> Json:
    """The setting at the dotted path *at* as documents write it; None where the export has none."""
    value: Any = files.settings
    for step in at.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return None if value is None else plain(value)


def plain(value: object) -> str:
    """A scalar as documents write it."""
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _scalar(text: str) -> bool | int | str:
    """The inverse of `plain`."""
    if text in {"true", "false"}:
        return text == "true"
    return int(text) if text.removeprefix("-").isdecimal() and plain(int(text)) == text else text


def schedule_of(files: TaskFiles) -> dict[str, Json]:
    """The schedule by time; empty where there is none, or where events start the task."""
    for one in _entries(files.schedule, "scheduling"):
        told = one.get("timeBasedScheduling")
        rules = told.get("schedule") if isinstance(told, dict) else None
        if isinstance(told, dict) and isinstance(rules, list) and rules:
            return {
                "every": str(rules[0]).removeprefix("RRULE:"),
                "start": _instant(str(told.get("startDateTime") or "")),
                "timezone": str(told.get("timezone") or "Etc/UTC"),
                "enabled": one.get("enabled") is True,
            }
    return {}


def written(spec: QlikTaskSpec, files: TaskFiles) -> TaskFiles:
    """*files* with everything that *spec* says; what it does not speak of stays."""
    task = copy.deepcopy(files.task)
    settings = task.setdefault("settings", {}) or {}
    task["settings"] = settings
    for at, text in spec.settings.items():
        _put(settings, at.split("."), _scalar(text))
    if spec.method is not None:
        _put_method(settings, spec)
    after = replace(files, task=task)
    if spec.tables is not None:
        after = replace(after, tables=_selected(files.tables, spec.tables))
    if spec.schedule is not None:
        timing = {
            "schedule": [f"RRULE:{spec.schedule.every}"],
            "startDateTime": spec.schedule.begins.replace("Z", ".0000000Z"),
            "timezone": spec.schedule.timezone,
        }
        one = {"schedulingType": "TIME_BASED", "enabled": spec.schedule.enabled, "timeBasedScheduling": timing}
        after = replace(after, schedule={**files.schedule, "scheduling": [one]})
    return after


def _put_method(settings: Document, spec: QlikTaskSpec) -> None:
    if spec.type is QlikTaskType.REPLICATION:
        told = settings.get("taskSettings")
        kept = {name: value for name, value in told.items() if name not in _FLAGS} if isinstance(told, dict) else {}
        # The full load is always on for sources of this kind.
        flags = {"fullLoad": True} | ({"storeChanges": True} if spec.method is QlikMethod.CDC_CHANGE_TABLES else {})
        settings["taskSettings"] = kept | flags
    else:
        settings[_FULL_LOAD_ONLY] = spec.method is not QlikMethod.CDC


def _selected(before: Document, tables: Iterable[str]) -> Document:
    """The selection of *tables*. Entries that stay keep what else they say; new ones are in the schema of the first."""
    named = {str(one.get("name")): one for one in _entries(before, "explicitlySelected")}
    patterns = {str(one.get("tablePattern")): one for one in _entries(before, "includePatterns")}
    beside = {key: value for key, value in next(iter(named.values()), {}).items() if key in {"schema", "database"}}
    after = {key: value for key, value in before.items() if key not in {"explicitlySelected", "includePatterns"}}
    wanted = sorted(set(tables))
    if chosen := [named.get(name, {"name": name, **beside, "type": "TABLE"}) for name in wanted if _ANY not in name]:
        after["explicitlySelected"] = chosen
    if loose := [patterns.get(name, {"tablePattern": name, "type": "TABLE"}) for name in wanted if _ANY in name]:
        after["includePatterns"] = loose
    return after


def _put(settings: Document, steps: list[str], value: object) -> None:
    for step in steps[:-1]:
        below = settings.get(step)
        settings[step] = below if isinstance(below, dict) else {}
        settings = settings[step]
    settings[steps[-1]] = value


def _entries(document: Mapping[str, Any], name: str) -> list[Document]:
    told = document.get(name)
    return [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []


def _instant(text: str) -> str:
    """A time as documents have it; one that is none stays."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
