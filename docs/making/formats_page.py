"""Every JSON document that tdr prints, as its schema says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from tables import MADE, code, table

from reconciler import reports
from reconciler.reports.formats import Format

SCHEMAS: Final = Path(reports.__file__).with_name("schemas")


def pages() -> dict[str, str]:
    """Path below `reference/` -> text."""
    read = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(SCHEMAS.glob("*.json"))}
    told = [
        MADE,
        "",
        "# Documents and formats",
        "",
        f"`--format` takes {', '.join(code(one) for one in Format)}; which verb knows which stands in",
        "[output and reports](../reports.md). The JSON documents below have JSON Schemas in `reconciler/reports/schemas/`. A minor",
        "version adds keys and a major one breaks: ignore what you do not know. `format` of each is `tdr.` and its name.",
        "",
        table(["Document", "Is"], [(f"[{name}](#{name})", one["title"]) for name, one in read.items()]),
    ]
    for name, schema in read.items():
        told += [f"## {name}", "", f"{schema['title']}.", "", _keys(schema)]
    return {"documents.md": "\n".join(told).rstrip() + "\n"}


def _keys(schema: Any) -> str:
    required = set(schema.get("required", ()))
    rows = [
        (code(key), _type(its, schema), "always" if key in required else "", str(its.get("description", "")))
        for key, its in schema["properties"].items()
    ]
    return table(["Key", "Type", "There", "Is"], rows)


def _type(its: Any, schema: Any) -> str:  # noqa: PLR0911 - one for each form of a schema
    if "$ref" in its:
        return _type(schema["$defs"][its["$ref"].rpartition("/")[2]], schema)
    if "const" in its:
        return code(its["const"])
    if "enum" in its:
        return ", ".join(code(one if one is not None else "null") for one in its["enum"])
    if arms := its.get("anyOf") or its.get("oneOf"):
        return " or ".join(dict.fromkeys(_type(one, schema) for one in arms))
    match its.get("type"):
        case "array":
            items = its.get("items", {})
            inner = _type(items, schema) if items else "anything"
            return f"list of {inner}{_inside(items, schema)}"
        case "object":
            return f"mapping{_inside(its, schema)}"
        case list(several):
            return " or ".join(several)
        case str(plain):
            return plain
        case _:
            return "anything"


def _inside(its: Any, schema: Any) -> str:
    """The keys of a mapping within, which have no table of their own."""
    if "$ref" in its:
        its = schema["$defs"][its["$ref"].rpartition("/")[2]]
    keys = its.get("properties", {})
    if its.get("type") != "object" or not keys:
        return ""
    return f" ({', '.join(map(code, keys))})"
