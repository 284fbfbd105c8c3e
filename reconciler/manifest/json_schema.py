"""JSON Schemas of manifests for editors: what the loader accepts, with the words of the models.

An editor gives YAML scalars their types; the loader reads them as text. So a text field also accepts a number, a number
field also accepts text, and every scalar accepts a reference that the loader replaces.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from reconciler.manifest.documents import document_model
from reconciler.manifest.secrets import FORMS
from reconciler.manifest.words import field_words
from reconciler.model.environment import EnvironmentSpec, ProjectSpec
from reconciler.model.kinds import KINDS
from reconciler.model.secret import Secret
from reconciler.model.transitions import KIND as TRANSITIONS
from reconciler.model.transitions import TransitionsDocument

DIALECT = "https://json-schema.org/draft/2020-12/schema"
SECRET_PATTERN = r"^\s*\$\{secret:(env:[A-Za-z_][A-Za-z0-9_]*|(file|cmd):[^}]+)\}\s*$"  # noqa: S105 - the form, no secret
REFERENCE_PATTERN = r"\$\{(var|env):[A-Za-z_][^}]*\}"

_SETTINGS: dict[str, type[BaseModel]] = {"Project": ProjectSpec, "Environment": EnvironmentSpec}
SCHEMAS = (*KINDS, TRANSITIONS, *_SETTINGS)
"""What has a schema: the kinds, what became of addresses, `tdr.yaml`, and the file of an environment."""


def json_schema(kind: str) -> dict[str, Any]:
    """The schema of a whole document of *kind*, or of another of `SCHEMAS`.

    Raises:
        KeyError: there is no such kind.
    """
    schema = _model(kind).model_json_schema(schema_generator=_AsWritten)
    return {"$schema": DIALECT, **schema}


def umbrella_schema(kinds: Iterable[str] = (*KINDS, TRANSITIONS)) -> dict[str, Any]:
    """The schema of a document of any of *kinds*; `kind` decides which."""
    models = [(_model(kind), "validation") for kind in kinds]
    references, schema = models_json_schema(models, schema_generator=_AsWritten)  # type: ignore[arg-type] # a literal mode
    return {
        "$schema": DIALECT,
        "title": "tdr manifest",
        "description": "One document of a tdr manifest.",
        "oneOf": [references[model] for model in models],  # type: ignore[index] # as above
        "$defs": schema["$defs"],
    }


def _model(kind: str) -> type[BaseModel]:
    if kind == TRANSITIONS:
        return TransitionsDocument
    return _SETTINGS.get(kind) or document_model(kind)


class _AsWritten(GenerateJsonSchema):
    """Schemas of the text that people write, before it is given types."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        written = super().model_schema(schema)
        words = field_words(schema["cls"])
        for name, field in schema["cls"].model_fields.items():
            text = words.get(name, field.description)
            if text:
                written["properties"][field.alias or name].setdefault("description", text)
        return written

    def str_schema(self, schema: core_schema.StringSchema) -> JsonSchemaValue:
        written = {**super().str_schema(schema), "type": ["string", "number", "boolean"]}
        return _or_reference(written) if written.keys() & {"pattern", "minLength", "maxLength"} else written

    def int_schema(self, schema: core_schema.IntSchema) -> JsonSchemaValue:
        return _or_text(super().int_schema(schema), r"^\s*[+-]?\d+\s*$")

    def float_schema(self, schema: core_schema.FloatSchema) -> JsonSchemaValue:
        return _or_text(super().float_schema(schema), r"^\s*[+-]?\d+(\.\d*)?\s*$")

    def bool_schema(self, schema: core_schema.BoolSchema) -> JsonSchemaValue:
        return _or_text(super().bool_schema(schema), r"^(true|false|yes|no|on|off|True|False)$")

    def enum_schema(self, schema: core_schema.EnumSchema) -> JsonSchemaValue:
        return _or_reference(super().enum_schema(schema))

    def function_before_schema(self, schema: core_schema.BeforeValidatorFunctionSchema) -> JsonSchemaValue:
        inner = schema["schema"]
        if inner["type"] == "is-instance" and inner["cls"] is Secret:
            words = f"A secret, by reference: {FORMS}."
            reference = {"type": "string", "pattern": SECRET_PATTERN, "description": words}
            version = {
                "anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": "^[1-9][0-9]{0,8}$"}],
                "description": "Counted up by hand when the value is another one; decides where keys cannot.",
            }
            counted = {
                "type": "object",
                "properties": {"secret": reference, "version": version},
                "required": ["secret", "version"],
                "additionalProperties": False,
            }
            return {"anyOf": [reference, counted], "description": words}
        return super().function_before_schema(schema)


def _or_reference(schema: JsonSchemaValue) -> JsonSchemaValue:
    return {"anyOf": [schema, {"type": "string", "pattern": REFERENCE_PATTERN}]}


def _or_text(schema: JsonSchemaValue, pattern: str) -> JsonSchemaValue:
    return {"anyOf": [schema, {"type": "string", "pattern": pattern}, {"type": "string", "pattern": REFERENCE_PATTERN}]}
