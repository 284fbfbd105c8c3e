"""What the types of a spec say to the loader: which fields name resources, which name files, which hold secrets.

Everything is worked out once per model, so that ten thousand documents cost ten thousand short walks.
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from reconciler.manifest.pointers import pointer
from reconciler.model.secret import Secret
from reconciler.model.spec import FileText, FolderTexts, KeyedBy, RefersTo


@dataclass(frozen=True, slots=True)
class Slot:
    """A field that names something, or holds models that may.

    attribute, key: its name in the model and in a manifest.
    refers_to, file_text: how text in it is read; both None when only models inside it matter.
    """

    attribute: str
    key: str
    refers_to: RefersTo | None
    file_text: FileText | FolderTexts | None


@dataclass(frozen=True, slots=True)
class Named:
    """The text at *path* (a JSON pointer) names *name* of the kind that *refers_to* says."""

    path: str
    refers_to: RefersTo
    name: str


def unwrap(annotation: Any) -> tuple[Any, tuple[Any, ...]]:
    """A type without `Annotated`, and the metadata that it carried."""
    if get_origin(annotation) is Annotated:
        inner, *metadata = get_args(annotation)
        return inner, tuple(metadata)
    return annotation, ()


def is_union(annotation: Any) -> bool:
    """Whether *annotation* is a choice of types."""
    return get_origin(annotation) in (Union, types.UnionType)


def alternatives(annotation: Any) -> tuple[Any, ...]:
    """The types that a union allows besides None; a type that is no union alone."""
    bare, _ = unwrap(annotation)
    return tuple(arm for arm in get_args(bare) if arm is not types.NoneType) if is_union(bare) else (annotation,)


def _marks(annotation: Any, metadata: tuple[Any, ...]) -> Iterator[Any]:
    """All metadata on the way into unions and containers; models end the way."""
    yield from metadata
    bare, own = unwrap(annotation)
    yield from own
    if get_origin(bare) is not None:
        for inner in get_args(bare):
            yield from _marks(inner, ())


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that *annotation* mentions, in unions and containers too."""
    bare, _ = unwrap(annotation)
    if isinstance(bare, type) and issubclass(bare, BaseModel):
        yield bare
    elif get_origin(bare) is not None:
        for inner in get_args(bare):
            yield from models_in(inner)


def fields_of(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Key in a manifest -> field."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


@cache
def slots(model: type[BaseModel]) -> tuple[Slot, ...]:
    """The fields of *model* that the loader must look into. Models do not contain themselves."""
    found = []
    for attribute, field in model.model_fields.items():
        marks = list(_marks(field.annotation, tuple(field.metadata)))
        refers_to = next((mark for mark in marks if isinstance(mark, RefersTo)), None)
        file_text = next((mark for mark in marks if isinstance(mark, FileText | FolderTexts)), None)
        if refers_to or file_text or any(slots(inner) for inner in models_in(field.annotation)):
            found.append(Slot(attribute, field.alias or attribute, refers_to, file_text))
    return tuple(found)


def list_key(field: FieldInfo) -> str | None:
    """The key by which entries of the list in *field* are told apart; None when it has none."""
    marks = _marks(field.annotation, tuple(field.metadata))
    return next((mark.key for mark in marks if isinstance(mark, KeyedBy)), None)


@cache
def holds_secrets(annotation: Any) -> bool:
    """Whether a value of this type may hold a secret."""
    bare, _ = unwrap(annotation)
    if bare is Secret:
        return True
    if isinstance(bare, type) and issubclass(bare, BaseModel):
        return any(holds_secrets(unwrap(field.annotation)[0]) for field in bare.model_fields.values())
    return get_origin(bare) is not None and any(holds_secrets(inner) for inner in get_args(bare))


def names_in(value: BaseModel, path: str = "") -> Iterator[Named]:
    """Every name of another resource in *value*, which stands at *path*."""
    for slot in slots(type(value)):
        inner = getattr(value, slot.attribute)
        if inner is None or slot.file_text is not None:
            continue
        where = f"{path}/{slot.key}"
        if isinstance(inner, str):
            if slot.refers_to is not None:
                yield Named(where, slot.refers_to, inner)
        elif isinstance(inner, BaseModel):
            yield from names_in(inner, where)
        else:
            yield from _names_among(inner, slot, where)


def _names_among(items: Any, slot: Slot, path: str) -> Iterator[Named]:
    entries = items.items() if isinstance(items, dict) else enumerate(items)
    for key, inner in entries:
        where = path + pointer(key)
        if isinstance(inner, BaseModel):
            yield from names_in(inner, where)
        elif isinstance(inner, str) and slot.refers_to is not None:
            yield Named(where, slot.refers_to, inner)


@cache
def file_fields(model: type[BaseModel]) -> bool:
    """Whether a value of *model* may name a text file."""
    return any(
        slot.file_text is not None
        or any(file_fields(inner) for inner in models_in(model.model_fields[slot.attribute].annotation))
        for slot in slots(model)
    )
