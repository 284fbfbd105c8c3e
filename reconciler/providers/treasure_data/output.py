"""The output mapping of an activation of a segment: as documents say it, as it is compared, as the vendor has it. Pure.

Compared is a list of ``{"as": …, "column": …}`` and ``{"as": …, "build": [piece, …]}``; a piece is ``{"text": …}``,
``{"timestamp": …}`` or ``{"insert": …}``. A constant is a text of one piece. Source: oas-cdp, ``SyndicationColumn``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from reconciler.model.json import Json
from reconciler.model.mapping import Insert, OutputColumn, Piece

_INSERTS: Final = {
    Insert.SEGMENT_ID.value: "SegmentId",
    Insert.SEGMENT_NAME.value: "SegmentName",
    Insert.PARENT_SEGMENT_ID.value: "AudienceId",
}
_WORDS: Final = {theirs: ours for ours, theirs in _INSERTS.items()}
_PLACE: Final = re.compile(r"\$(\d+)")

Column = dict[str, Any]


def declared(columns: Sequence[OutputColumn] | None) -> list[Column]:
    """What documents say, as it is compared."""
    return [
        {"as": one.name, "column": one.column}
        if one.column is not None
        else {"as": one.name, "build": _joined([{"text": one.value}] if one.build is None else map(_piece, one.build))}
        for one in columns or ()
    ]


def told(columns: object) -> list[Column]:
    """What the vendor tells, as it is compared. What no document can say stays in the vendor's words."""
    return [_told(one) for one in columns if isinstance(one, Mapping)] if isinstance(columns, list) else []


def sent(columns: Sequence[Mapping[str, Any]]) -> list[Column]:
    """What is compared, as the vendor takes it. Texts go as parameters, in which a ``$1`` is none."""
    return [{"column": one["as"], "source": _source(one)} for one in columns]


def written(columns: Sequence[Mapping[str, Any]]) -> list[Column] | None:
    """What is compared, as a document says it; None when there are no words for all of it."""
    if any("source" in one or any("type" in piece for piece in one.get("build", ())) for one in columns):
        return None
    return [_written(one) for one in columns]


def _piece(piece: Piece) -> Column:
    return {name: str(value) for name, value in piece if value is not None}


def _joined(pieces: Any) -> list[Column]:
    """Texts that stand beside each other as one, empty ones left out: they say the same."""
    joined: list[Column] = []
    for piece in pieces:
        if "text" in piece and joined and "text" in joined[-1]:
            joined[-1] = {"text": joined[-1]["text"] + piece["text"]}
        elif piece.get("text") != "":
            joined.append(dict(piece))
    return joined or [{"text": ""}]


def _told(one: Mapping[str, Any]) -> Column:
    source: Any = one.get("source")
    name = str(one.get("column") or "")
    match source:
        case {"string": str(string)}:
            return {"as": name, "build": _joined(_pieces(string, source.get("parameters") or []))}
        case {"column": str(column)} if not source.get("functions") and not source.get("customerGroup"):
            return {"as": name, "column": column}
        case _:
            return {"as": name, "source": source}


def _pieces(string: str, parameters: Sequence[Mapping[str, Any]]) -> list[Column]:
    pieces: list[Column] = []
    for number, part in enumerate(_PLACE.split(string)):
        if number % 2 and 1 <= int(part) <= len(parameters):
            pieces.append(_parameter(parameters[int(part) - 1]))
        else:
            pieces.append({"text": f"${part}" if number % 2 else part})
    return pieces


def _parameter(told: Mapping[str, Any]) -> Column:
    match told.get("type"):
        case "String":
            return {"text": str(told.get("string") or "")}
        case "Timestamp":
            return {"timestamp": str(told.get("format") or "")}
        case str(kind) if kind in _WORDS:
            return {"insert": _WORDS[kind]}
        case _:
            return dict(told)


def _source(one: Mapping[str, Any]) -> Json:
    if "source" in one:
        source: Json = one["source"]
        return source
    if "column" in one:
        return {"column": one["column"]}
    pieces = one["build"]
    return {"string": "".join(f"${place}" for place in range(1, len(pieces) + 1)), "parameters": [*map(_sent, pieces)]}


def _sent(piece: Mapping[str, Any]) -> Json:
    if "text" in piece:
        return {"type": "String", "string": piece["text"]}
    if "timestamp" in piece:
        return {"type": "Timestamp", "format": piece["timestamp"]}
    return {"type": _INSERTS[piece["insert"]]} if "insert" in piece else dict(piece)


def _written(one: Mapping[str, Any]) -> Column:
    if "column" in one:
        return {"column": one["column"]} if one["column"] == one["as"] else {"column": one["column"], "as": one["as"]}
    match one["build"]:
        case [{"text": text}]:
            return {"value": text, "as": one["as"]}
        case pieces:
            return {"build": [dict(piece) for piece in pieces], "as": one["as"]}
