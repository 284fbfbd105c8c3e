"""A JSON Schema of tdr as tables: each field with its type, default, bounds and words."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from tables import cell, code, table, words

from reconciler.manifest.forms import form_of
from reconciler.manifest.json_schema import REFERENCE_PATTERN, SECRET_PATTERN

_PLAIN: Final = {
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "object": "mapping",
    "null": "null",
}
_SCALAR: Final = ["string", "number", "boolean"]
_BOUNDS: Final = {
    "minimum": "at least {}",
    "exclusiveMinimum": "more than {}",
    "maximum": "at most {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} entries",
    "maxItems": "at most {} entries",
}

Remark = Callable[[str, str], str]
"""Name of a model and of its field -> what a change of the field does."""


class Schema:
    """One schema with its definitions."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        """Hold *schema*, whose `$defs` its references lead to."""
        self._definitions: Mapping[str, Any] = schema.get("$defs", {})

    def models(self, begin: Mapping[str, Any]) -> list[str]:
        """Names of the mappings that *begin* leads to, each once, those of one level before those below."""
        found: list[str] = []
        level = [begin]
        while level:
            names = list(dict.fromkeys(name for one in level for name in self._named(one)))
            new = [name for name in names if name not in found]
            found += new
            level = [self._definitions[name] for name in new]
        return [name for name in found if "properties" in self._definitions[name]]

    def definition(self, name: str) -> Mapping[str, Any]:
        """The model *name*."""
        found: Mapping[str, Any] = self._definitions[name]
        return found

    def fields(self, model: Mapping[str, Any], name: str, remark: Remark | None = None) -> str:
        """The table of the fields of *model*; with *remark*, what a change of each does."""
        required = set(model.get("required", ()))
        head = ["Field", "Type", "Default", *(["Change"] if remark else []), "Meaning"]
        rows = []
        for field, its in model.get("properties", {}).items():
            meaning = words(self._words(its))
            bounds = "; ".join(self._bounds(its))
            row = [code(field), self.type_of(its), "**required**" if field in required else _default(its)]
            # Of a field that is a mapping, the fields of that mapping tell.
            row += ["" if "](#" in row[1] else remark(name, field)] if remark else []
            rows.append([*row, f"{meaning} ({bounds})" if bounds else meaning])
        return table(head, rows)

    def type_of(self, schema: Mapping[str, Any]) -> str:
        """What may stand there, in words; models are links to their tables."""
        return " or ".join(dict.fromkeys(self._types(schema)))

    def _types(self, schema: Mapping[str, Any]) -> Iterator[str]:
        for arm in schema.get("anyOf") or schema.get("oneOf") or [schema]:
            if arm is not schema and ("anyOf" in arm or "oneOf" in arm):
                yield from self._types(arm)
            elif not self._is_only_written(arm):
                yield self._type(arm)

    def _type(self, arm: Mapping[str, Any]) -> str:  # noqa: PLR0911 - one for each form of a schema
        if "$ref" in arm:
            name = arm["$ref"].rpartition("/")[2]
            target = self._definitions[name]
            return f"[{name}](#{name.lower()})" if "properties" in target else self.type_of(target)
        if "enum" in arm:
            return ", ".join(code(value) for value in arm["enum"])
        if "const" in arm:
            return code(arm["const"])
        if arm.get("pattern") == SECRET_PATTERN:
            return "secret"
        match arm.get("type"):
            case "string" | ["string", "number", "boolean"]:
                return {"date": "date", "date-time": "time"}.get(arm.get("format", ""), "text")
            case "array":
                entry = self.type_of(arm["items"]) if arm.get("items") else "anything"
                return f"list of {entry}"
            case "object" if isinstance(arm.get("additionalProperties"), Mapping):
                return f"mapping of names to {self.type_of(arm['additionalProperties'])}"
            case str(plain):
                return _PLAIN.get(plain, plain)
            case list(several):
                return " or ".join("text" if one == "string" else _PLAIN.get(one, one) for one in several)
            case _:
                return "anything"

    @staticmethod
    def _is_only_written(arm: Mapping[str, Any]) -> bool:
        """Whether this is but another way to write a value: a reference to a variable, a number or a flag as text, null."""
        pattern = str(arm.get("pattern", ""))
        as_text = arm.get("type") == "string" and (
            pattern == REFERENCE_PATTERN or pattern.startswith((r"^\s*[+-]?\d", "^(true|false", "^[1-9][0-9]{0,8}$"))
        )
        of_secret = set(arm.get("properties", ())) == {"secret", "version"}
        return as_text or of_secret or arm.get("type") == "null"

    def _bounds(self, schema: Mapping[str, Any]) -> Iterator[str]:
        for arm in schema.get("anyOf") or [schema]:
            if self._is_only_written(arm):
                continue
            for key, told in _BOUNDS.items():
                if key in arm and (key, arm[key]) not in {("minLength", 1), ("minItems", 1)}:
                    yield told.format(f"{arm[key]:,}")
                elif arm.get(key) == 1:
                    yield "not empty"
            pattern = arm.get("pattern")
            if pattern and pattern != SECRET_PATTERN:
                form = form_of(pattern)
                yield f"must {form.words}" if form else f"form `{cell(pattern)}`"

    def _words(self, schema: Mapping[str, Any]) -> str:
        told = schema.get("description", "")
        if not told and "$ref" in schema:
            told = self._definitions[schema["$ref"].rpartition("/")[2]].get("description", "")
        return str(told)

    def _named(self, schema: Any) -> Iterator[str]:
        if isinstance(schema, Mapping):
            for key, value in schema.items():
                if key == "$ref":
                    yield str(value).rpartition("/")[2]
                else:
                    yield from self._named(value)
        elif isinstance(schema, list):
            for one in schema:
                yield from self._named(one)


def _default(schema: Mapping[str, Any]) -> str:
    if "default" not in schema or schema["default"] is None:
        return ""
    value = schema["default"]
    if isinstance(value, str):
        return code(value)
    if value in ([], {}):
        return ""
    return code(json.dumps(value, ensure_ascii=False)) if not isinstance(value, dict) else ""
