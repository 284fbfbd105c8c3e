"""What users put into a specification, held against the JSON Schema that it has for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from reconciler.model.json import Json
from reconciler.sourcespec.findings import Finding

_WORDS: Final[Mapping[str, Json]] = {"true": True, "false": False}
_MOST: Final = 20


def typed(schema: Mapping[str, Json], told: Mapping[str, Json]) -> dict[str, Json]:
    """*told* with texts as the numbers and truth values that *schema* wants, where they are such; manifests have texts only."""
    properties = schema.get("properties")
    properties = properties if isinstance(properties, Mapping) else {}
    return {name: _typed(properties.get(name), value) for name, value in told.items()}


def _typed(schema: Json, value: Json) -> Json:
    if isinstance(schema, Mapping) and isinstance(value, Mapping):
        return typed(schema, value)
    if not isinstance(schema, Mapping) or not isinstance(value, str):
        return value
    kinds = schema.get("type")
    wanted = set(kinds) if isinstance(kinds, list | tuple) else {kinds}
    if "string" in wanted:
        return value
    if "boolean" in wanted and value in _WORDS:
        return _WORDS[value]
    for kind, read in (("integer", int), ("number", float)):
        if kind in wanted:
            try:
                return read(value)
            except ValueError:
                continue
    return value


def misfits(schema: Mapping[str, Json], told: Mapping[str, Json]) -> Iterator[Finding]:
    """What *schema* refuses in *told*, or that it is no schema. Nothing is fetched from anywhere for it."""
    import jsonschema  # noqa: PLC0415 - a tenth of a second, for those who have specifications
    from referencing import Registry  # noqa: PLC0415 - as above
    from referencing.exceptions import Unresolvable  # noqa: PLC0415 - as above

    if not schema:
        return
    # The dialect is given: what `$schema` names may be misspelt, and is of no other effect here.
    plain: dict[str, Any] = {name: value for name, value in schema.items() if name != "$schema"}
    try:
        jsonschema.Draft7Validator.check_schema(plain)
        found = list(jsonschema.Draft7Validator(plain, registry=Registry()).iter_errors(told))
    except jsonschema.SchemaError as error:
        at = ".".join(str(step) for step in ("spec", *error.absolute_path))
        yield Finding("error", at, f"is no JSON Schema of draft 7: `{error.validator}` of it is not kept")
        return
    except Unresolvable:
        yield Finding("error", "spec", "refers to a schema elsewhere", "write it out")
        return
    for misfit in found[:_MOST]:
        at = ".".join(str(step) for step in ("params", *misfit.absolute_path))
        yield Finding("error", at, _said(misfit.validator, misfit.validator_value, misfit.message))


def _said(rule: object, wanted: Json, message: str) -> str:
    """What is wrong, without the value that is: messages name members that are missing or strange, else the rule."""
    if rule in {"required", "additionalProperties"}:
        return message
    return f"must keep `{rule}: {wanted}` of the specification's `spec`"
