"""The members of a definition, wherever its form has them, read one by one with everything that is wrong told."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from reconciler.diagnostics import did_you_mean
from reconciler.model.json import Json
from reconciler.sourcespec.findings import Finding
from reconciler.sourcespec.paths import Path, parse

_INTEGER: Final = re.compile(r"-?\d+")
_TEMPLATE: Final = frozenset({"urlParams", "contentPath", "paginationParams"})


@dataclass(frozen=True, slots=True)
class Definition:
    """A `sourceSpec` in either form.

    parts: the members that say what to fetch. inputs: JSON Schema of what users put in. declared: names that it declares.
    is_template: whether users put in the whole definition. root: what places of findings begin with.
    """

    parts: Mapping[str, Json]
    inputs: Mapping[str, Json]
    page_schema: Mapping[str, Json]
    extensions: Json
    declared: frozenset[str]
    is_template: bool
    root: str
    findings: tuple[Finding, ...] = ()

    @classmethod
    def of(cls, source_spec: Mapping[str, Json], params: Mapping[str, Json]) -> Definition:
        """Take *source_spec* apart; *params* are the definition itself in the template form."""
        attributes = _mapping(source_spec.get("attributes"))
        # The first published example has `spec` and `schema` inside; all others beside.
        inputs = _mapping(source_spec.get("spec")) or _mapping(attributes.get("spec"))
        schema = _mapping(source_spec.get("schema")) or _mapping(attributes.get("schema"))
        properties = _mapping(inputs.get("properties"))
        is_template = not _TEMPLATE & attributes.keys() and properties.keys() >= _TEMPLATE
        parts = {name: value for name, value in params.items() if name in properties} if is_template else attributes
        known = {"attributes", "spec", "schema", "name", "type", "x-tdr"}
        findings = tuple(
            Finding(
                "warning",
                name,
                f"`{name}` is not a member of a sourceSpec, and has no effect",
                did_you_mean(name, known),
            )
            for name in source_spec
            if name not in known
        )
        return cls(
            parts=parts,
            inputs=inputs,
            page_schema=schema,
            extensions=source_spec.get("x-tdr"),
            declared=frozenset(properties),
            is_template=is_template,
            root="params" if is_template else "attributes",
            findings=findings,
        )


@dataclass(slots=True)
class Reader:
    """Reads members by their path and remembers what is wrong. *root*: what the places begin with."""

    root: str
    findings: list[Finding] = field(default_factory=list)

    def refuse(self, at: str, message: str, hint: str = "") -> None:
        """Remember an error at a path below the root."""
        self._found("error", f"{self.root}.{at}", message, hint)

    def warn(self, at: str, message: str, hint: str = "") -> None:
        """Remember a remark."""
        self._found("warning", f"{self.root}.{at}", message, hint)

    def warn_at(self, at: str, message: str) -> None:
        """Remember a remark at a place that is not below the root."""
        self._found("warning", at, message, "")

    def _found(self, severity: Literal["error", "warning"], at: str, message: str, hint: str) -> None:
        self.findings.append(Finding(severity, at, message, hint))

    def object(self, of: Mapping[str, Json], at: str, *, required: bool = False) -> Mapping[str, Json]:
        """A member that is an object; empty where it is missing or wrong."""
        value = of.get(_last(at))
        if value is None:
            if required:
                self.refuse(at, f"`{_last(at)}` is missing")
            return {}
        if not isinstance(value, Mapping):
            hint = "write an object: `a=b,c=d` does not say where a value ends" if isinstance(value, str) else ""
            self.refuse(at, f"`{_last(at)}` must be an object", hint)
            return {}
        return value

    def text(self, of: Mapping[str, Json], at: str, *, required: bool = False) -> str:
        """A member that is a text; "" where it is missing or wrong."""
        value = of.get(_last(at))
        if value is None or value == "":
            if required:
                self.refuse(at, f"`{_last(at)}` is missing")
            return ""
        if not isinstance(value, str):
            self.refuse(at, f"`{_last(at)}` must be a text")
            return ""
        return value

    def whole(self, of: Mapping[str, Json], at: str, *, least: int, most: int | None = None) -> int | None:
        """A member that is a whole number, or the text of one; None where it is missing or wrong."""
        value = of.get(_last(at))
        if value is None:
            return None
        number = int(value) if isinstance(value, str) and _INTEGER.fullmatch(value) else value
        if isinstance(number, bool) or not isinstance(number, int):
            self.refuse(at, f"{value!r} is not a whole number")
            return None
        if number < least or (most is not None and number > most):
            bounds = f"{least} or more" if most is None else f"from {least} to {most}"
            self.refuse(at, f"{number} is not {bounds}")
            return None
        return number

    def path(self, of: Mapping[str, Json], at: str, *, required: bool = False) -> Path | None:
        """A member that is a path to one value."""
        text = self.text(of, at, required=required)
        if not text:
            return None
        try:
            return parse(text)
        except ValueError as error:
            self.refuse(at, str(error), "a path leads to one value: members and places only")
            return None

    def names(self, of: Mapping[str, Json], at: str) -> frozenset[str]:
        """A member that is a list of names."""
        value = of.get(_last(at)) or ()
        if not isinstance(value, list | tuple) or not all(isinstance(name, str) for name in value):
            self.refuse(at, f"`{_last(at)}` must be a list of names")
            return frozenset()
        return frozenset(map(str, value))

    def alias(self, of: Mapping[str, Json], at: str, other: str) -> Mapping[str, Json]:
        """*of* with the member at *at* taken from its *other* name, which is told; both with different values are an error."""
        name, parent = _last(at), at.rpartition(".")[0]
        if other not in of:
            return of
        if name in of and of[name] != of[other]:
            self.refuse(parent, f"`{name}` and `{other}` mean the same and say different things")
            return of
        self.warn(f"{parent}.{other}", f"`{other}` is another name of `{name}`", f"write `{name}`")
        return {**of, name: of[other]}


def _last(at: str) -> str:
    return at.rpartition(".")[2]


def _mapping(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, Mapping) else {}
