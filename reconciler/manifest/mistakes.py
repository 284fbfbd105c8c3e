"""What pydantic found wrong, in the words and places of the person who wrote the document.

Alternatives of a union are reported together by pydantic; only the one that the person meant is kept. Values are repeated
only when they stand in the manifest as they are and cannot be secrets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from reconciler.diagnostics import did_you_mean
from reconciler.manifest.forms import correction, form_of
from reconciler.manifest.pointers import parts, pointer
from reconciler.manifest.shapes import alternatives, fields_of, models_in, unwrap
from reconciler.model.secret import Secret

_LONGEST_SHOWN = 80
_EXPECTED = {
    "string": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "dict": "a mapping",
    "model": "a mapping",
    "tuple": "a list",
    "list": "a list",
}


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing wrong at *path*. *at_key*: the key is to be pointed at, not its value."""

    rule: str
    path: str
    message: str
    hint: str = ""
    at_key: bool = False


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an error is.

    path: as a person sees it.
    annotation: the type that stands there.
    siblings: the keys that may stand beside it.
    arms: the alternatives that the value was tried against, if there were several.
    is_meant: whether the error is about the alternative that the person chose.
    """

    path: str
    annotation: Any
    siblings: tuple[str, ...]
    arms: tuple[Any, ...]
    is_meant: bool

    @property
    def key(self) -> str:
        return parts(self.path)[-1] if self.path else ""

    @property
    def field(self) -> str:
        return ".".join(parts(self.path)) or "the document"


def mistakes(
    error: ValidationError, model: type[BaseModel], written: object, *, is_secretive: bool = False
) -> Iterator[Mistake]:
    """The mistakes behind *error*, which *model* raised about a document.

    written: the tree as it stands in the file, before references were replaced.
    is_secretive: whether the document may hold a secret in the wrong field, so that no value is repeated.
    """
    told: set[Mistake] = set()
    for details in error.errors(include_url=False):
        place = _place(model, details["loc"], written)
        if not place.is_meant:
            continue
        mistake = _mistake(details, place, None if is_secretive else _at(written, place.path))
        if mistake not in told:  # what may be of several types is wrong once for each
            told.add(mistake)
            yield mistake


def _mistake(details: ErrorDetails, place: _Place, written: object) -> Mistake:
    """The mistake at *place*, where the file has *written* (None: not to be repeated)."""
    path, key, field = place.path, place.key, place.field
    value = details["input"]
    if details["type"] == "extra_forbidden" or details["loc"][-1:] == ("[key]",):
        known = place.siblings or _literals(place.annotation)
        hint = did_you_mean(key, known) or f"known here: {', '.join(known)}"
        return Mistake("unknown-key", path, f"key `{key}` is not known here", hint, at_key=True)
    if details["type"] == "missing":
        return Mistake("missing-key", path, f"`{field}` is missing", f"add `{key}`", at_key=True)
    if value is None:
        hint = f'give one, or leave `{key}` out; "" is the empty text'
        return Mistake("empty-value", path, f"`{field}` has no value", hint)
    if isinstance(value, Mapping) and unwrap(place.annotation)[0] is Secret:
        message = f"`{field}` must be a reference, or one with a version beside it"
        hint = f"write {key}: {{secret: ${{secret:env:{key.upper()}}}, version: 2}}, with a whole number from 1 on"
        return Mistake("invalid-value", path, message, hint)
    if isinstance(value, Secret) or unwrap(place.annotation)[0] is Secret:
        return _misplaced_secret(place, is_reference=isinstance(value, Secret))
    return _wrong_value(details, place, value if value == written else None)


def _misplaced_secret(place: _Place, *, is_reference: bool) -> Mistake:
    if is_reference:
        message = f"`{place.field}` is not a secret field: its value would be stored and shown"
        hint = "write ${env:NAME} or ${var:NAME} if it is no secret"
        return Mistake("secret-in-plain-field", place.path, message, hint)
    name = place.key.upper()
    message = f"`{place.field}` is a secret and must not be written in a manifest"
    hint = f"write {place.key}: ${{secret:env:{name}}} and set {name} where tdr runs; or use ${{secret:file:PATH}}"
    return Mistake("literal-secret", place.path, message, hint)


def _wrong_value(details: ErrorDetails, place: _Place, value: object) -> Mistake:
    """The mistake of a value that is there; *value* is None unless the file shows it."""
    kind, context = details["type"], details.get("ctx", {})
    path, field = place.path, place.field
    shown = f": {value!r}" if isinstance(value, str) and len(value) <= _LONGEST_SHOWN else ""
    if kind.startswith("union_tag"):
        return _wrong_tag(details, place)
    if kind in ("enum", "literal_error"):
        known = _quoted(context["expected"])
        message = f"`{field}` must be {'one of ' if len(known) > 1 else ''}{', '.join(known)}{shown}"
        return Mistake("unknown-value", path, message, did_you_mean(value, known) if isinstance(value, str) else "")
    if kind.endswith(("_type", "_parsing", "_from_float")):
        meant = [_expected(arm) for arm in place.arms] or [_EXPECTED.get(kind.split("_")[0], "")]
        if all(meant):
            return Mistake("wrong-type", path, f"`{field}` must be {' or '.join(dict.fromkeys(meant))}{shown}")
    if kind == "value_error":
        return Mistake("invalid-value", path, f"`{field}` {context['error']}")
    if kind == "string_pattern_mismatch":
        form = form_of(context["pattern"])
        hint = correction(context["pattern"], value) if isinstance(value, str) else ""
        return Mistake(
            "invalid-value", path, f"`{field}` must {form.words if form else context['pattern']}{shown}", hint
        )
    reason = re.sub(r"^\w+ should ", "", details["msg"])
    return Mistake("invalid-value", path, f"`{field}` should {reason[:1].lower()}{reason[1:]}{shown}")


def _wrong_tag(details: ErrorDetails, place: _Place) -> Mistake:
    """The field that chooses among alternatives has no value, or one that chooses none."""
    context = details["ctx"]
    tag = context["discriminator"].strip("'")
    path, field = f"{place.path}/{tag}", f"`{place.field}.{tag}`"
    if details["type"] == "union_tag_invalid":
        known = _quoted(context["expected_tags"])
        message = f"{field} must be one of {', '.join(known)}: {context['tag']!r}"
        return Mistake("unknown-value", path, message, did_you_mean(context["tag"], known))
    known = tuple(name for model in models_in(place.annotation) for name in _literals(fields_of(model)[tag].annotation))
    return Mistake("missing-key", path, f"{field} is missing", f"one of {', '.join(known)}", at_key=True)


def _expected(arm: Any) -> str:
    bare, _ = unwrap(arm)
    if bare is str:
        return "text"
    return "a mapping" if isinstance(bare, type) and issubclass(bare, BaseModel) else ""


def _quoted(listed: str) -> tuple[str, ...]:
    """The words of pydantic's ``'a', 'b' or 'c'``."""
    return tuple(re.findall(r"'([^']*)'", listed))


def _literals(annotation: Any) -> tuple[str, ...]:
    bare, _ = unwrap(annotation)
    return tuple(get_args(bare)) if get_origin(bare) is Literal else ()


def _at(tree: object, path: str) -> object:
    for part in parts(path):
        if isinstance(tree, Mapping):
            tree = tree.get(part)
        elif isinstance(tree, list) and part.isdecimal() and int(part) < len(tree):
            tree = tree[int(part)]
        else:
            return None
    return tree


def _place(model: type[BaseModel], location: tuple[int | str, ...], written: object) -> _Place:
    """Follow pydantic's *location* through the types; which alternative was tried is a step in it, but none in the document."""
    annotation: Any = model
    path: list[str | int] = []
    siblings: tuple[str, ...] = ()
    tried: tuple[Any, ...] = ()
    keys: Any = None
    is_meant = True
    for step in location:
        arms = alternatives(annotation)
        if len(arms) > 1:
            annotation = _arm(arms, str(step))
            is_meant = is_meant and _is_meant(annotation, arms, str(step), _at(written, pointer(*path)))
            tried = arms
            continue
        tried = ()
        bare, _ = unwrap(arms[0])
        if isinstance(bare, type) and issubclass(bare, BaseModel):
            fields = fields_of(bare)
            siblings = tuple(fields)
            annotation = fields[str(step)].annotation if str(step) in fields else None
            path.append(step)
        elif step == "[key]":
            siblings = ()
            annotation = keys
        else:
            inner = get_args(bare) or (None,)
            keys, annotation = inner[0], inner[-1 if get_origin(bare) is dict else 0]
            path.append(step)
    arms = alternatives(annotation)
    return _Place(pointer(*path), arms[0] if len(arms) == 1 else annotation, siblings, tried, is_meant)


def _arm(arms: tuple[Any, ...], label: str) -> Any:
    """The alternative that pydantic calls *label*: a model by its name or tag, anything else by its type."""
    for arm in arms:
        bare, _ = unwrap(arm)
        if isinstance(bare, type) and issubclass(bare, BaseModel) and (bare.__name__ == label or _has_tag(bare, label)):
            return arm
    return next((arm for arm in arms if not list(models_in(arm))), arms[0])


def _has_tag(model: type[BaseModel], label: str) -> bool:
    return any(label in _literals(field.annotation) for field in model.model_fields.values())


def _is_meant(arm: Any, arms: tuple[Any, ...], label: str, value: object) -> bool:
    bare, _ = unwrap(arm)
    is_model = isinstance(bare, type) and issubclass(bare, BaseModel)
    if is_model and _has_tag(bare, label):
        return True
    if isinstance(value, Mapping):
        return is_model
    return not is_model if isinstance(value, str) else arm is arms[0]
