"""Operations of plan documents, compared by meaning: text, order, times and unrelated changes do not count."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

NOTHING = "noop"

_Weight = Callable[[Mapping[str, Any]], object]
"""What of a changed field two plans must have in common."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Where two plans part. *path* is a JSON pointer of a field, or "" for the operation as a whole."""

    address: str
    path: str
    one: str
    other: str


def operations(document: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Address -> change of a plan's document, of those that do something."""
    return {address: change for address, change in every_operation(document).items() if change["actions"] != [NOTHING]}


def every_operation(document: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Address -> change of a plan's document, those that do nothing among them."""
    return {str(change["address"]): change for change in document["changes"]}


def differences(one: Mapping[str, Mapping[str, Any]], other: Mapping[str, Mapping[str, Any]]) -> Iterator[Difference]:
    """Where the operations *one* and *other* part, by address and then by field."""
    return _differences(one, other, _both_ends)


def differences_in_the_end(
    one: Mapping[str, Mapping[str, Any]], other: Mapping[str, Mapping[str, Any]]
) -> Iterator[Difference]:
    """As `differences`, but a field may start from elsewhere as long as it ends the same."""
    return _differences(one, other, _end)


def _differences(
    one: Mapping[str, Mapping[str, Any]], other: Mapping[str, Mapping[str, Any]], weight: _Weight
) -> Iterator[Difference]:
    for address in sorted(one.keys() | other.keys()):
        yield from _between(address, one.get(address), other.get(address), weight)


def _between(
    address: str, one: Mapping[str, Any] | None, other: Mapping[str, Any] | None, weight: _Weight
) -> Iterator[Difference]:
    if words(one) == words(other) == "nothing" and (one is None or other is None):
        return
    if one is None or other is None or one["actions"] != other["actions"]:
        yield Difference(address, "", words(one), words(other))
        return
    if one["id"] != other["id"]:
        yield Difference(address, "/id", str(one["id"]), str(other["id"]))
    for what, then, now in (
        ("resolved to", _mode(one), _mode(other)),
        ("moved to", one.get("moved_to", ""), other.get("moved_to", "")),
        ("made by", one.get("made_by", ""), other.get("made_by", "")),
    ):
        if then != now:
            yield Difference(address, "", f"{what} {then or 'nothing'}", f"{what} {now or 'nothing'}")
    fields, others = _fields(one), _fields(other)
    for path in sorted(fields.keys() | others.keys()):
        field, counterpart = fields.get(path), others.get(path)
        if field is None or counterpart is None or weight(field) != weight(counterpart):
            yield Difference(address, path, _step(field), _step(counterpart))
    secrets, others = _secrets(one), _secrets(other)
    for path in sorted(secrets.keys() | others.keys()):
        if secrets.get(path) != others.get(path):
            yield Difference(address, path, _secret(secrets.get(path)), _secret(others.get(path)))


def words(change: Mapping[str, Any] | None) -> str:
    """What an operation is, such as ``update of /cron``."""
    if change is None or change["actions"] == [NOTHING]:
        return "nothing"
    fields = ", ".join(field["path"] for field in change["fields"])
    return str(change["actions"][0]) + (f" of {fields}" if fields else "")


def _mode(change: Mapping[str, Any]) -> str:
    return str(change.get("resolved", {}).get("mode", ""))


def _fields(change: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {str(field["path"]): field for field in change["fields"]}


def _secrets(change: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {str(secret["path"]): secret for secret in change.get("secrets", ())}


def _both_ends(field: Mapping[str, Any]) -> object:
    return field["before"], field["after"]


def _end(field: Mapping[str, Any]) -> object:
    return field["after"]


def _step(field: Mapping[str, Any] | None) -> str:
    if field is None:
        return "no change"
    return f"{_shown(field['before'])} → {_shown(field['after'])}"


def _secret(secret: Mapping[str, Any] | None) -> str:
    return f"secret {secret['reference']} of fingerprint {str(secret['fingerprint'])[:15]}" if secret else "no secret"


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:79]}…"
