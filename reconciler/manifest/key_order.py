"""The order in which the models name the keys of a mapping; what is written there in another order says the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Literal, TypeAlias, get_args, get_origin

from pydantic import BaseModel

from reconciler.manifest.documents import ENVELOPE, document_model
from reconciler.manifest.layout import Node, is_flat
from reconciler.manifest.shapes import alternatives, fields_of, unwrap
from reconciler.model.kinds import KINDS
from reconciler.model.transitions import KIND as TRANSITIONS
from reconciler.model.transitions import TransitionsDocument

Shape: TypeAlias = Any
"""What the models say of a value: a type, or None where they say nothing."""


def document_shape(kind: object) -> Shape:
    """The shape of a whole document of *kind*; None when there is no such kind."""
    if kind == TRANSITIONS:
        return TransitionsDocument
    return document_model(str(kind)) if kind in KINDS else None


def in_order(keys: Sequence[str], shape: Shape, said: Mapping[str, str]) -> list[str]:
    """*keys* as the model at *shape* names them; those that it does not know follow as they are written.

    said: the values of keys that are plain text, by which one of several models is told.
    """
    model = _model(shape, keys, said)
    names = list(fields_of(model)) if model is not None else []
    rank = {name: place for place, name in enumerate(names)}
    return sorted(keys, key=lambda key: rank.get(key, len(rank)))


def envelope_in_order(keys: Sequence[str]) -> list[str]:
    """*keys* of a document whose kind is not known."""
    return sorted(keys, key=lambda key: ENVELOPE.index(key) if key in ENVELOPE else len(ENVELOPE))


def ordered(tree: Mapping[str, Any], shape: Shape) -> dict[str, Any]:
    """*tree* with its keys, and those of all below, in order."""
    keys = list(tree)
    said = {key: value for key, value in tree.items() if isinstance(value, str)}
    return {key: _ordered(tree[key], below(shape, key, keys, said)) for key in in_order(keys, shape, said)}


def _ordered(value: Any, shape: Shape) -> Any:
    if isinstance(value, Mapping):
        return ordered(value, shape)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_ordered(one, item(shape)) for one in value]
    return value


def below(shape: Shape, key: str, keys: Sequence[str], said: Mapping[str, str]) -> Shape:
    """The shape of the value at *key* of a mapping of *shape* that has *keys*."""
    model = _model(shape, keys, said)
    if model is not None:
        field = fields_of(model).get(key)
        return field.annotation if field is not None else None
    return next((get_args(arm)[1] for arm in _arms(shape) if get_origin(arm) is dict), None)


def item(shape: Shape) -> Shape:
    """The shape of an item of a list of *shape*."""
    return next((get_args(arm)[0] for arm in _arms(shape) if get_origin(arm) in (tuple, list)), None)


def is_text(shape: Shape) -> bool:
    """Whether a value of *shape* is text, and never a number, a date or a yes."""
    arms = list(_arms(shape))
    return str in arms and not any(arm in (int, float, bool, date) for arm in arms)


def nodes(root: Node, shape: Shape) -> Iterator[tuple[Node, Shape]]:
    """*root* and every value written in it, with their shapes; outer ones first. What aliases repeat is left out."""
    yield root, shape
    if is_flat(root):
        return
    if root.id == "sequence":
        for one in root.value:
            if one.start_mark.index >= root.start_mark.index:
                yield from nodes(one, item(shape))
        return
    keys, said = keys_of(root)
    for key, value in root.value:
        if value.start_mark.index >= key.start_mark.index:
            yield from nodes(value, below(shape, key.value, keys, said))


def keys_of(mapping: Node) -> tuple[list[str], dict[str, str]]:
    """The keys of *mapping* as they are written, and the values that are scalars."""
    pairs = mapping.value
    return [key.value for key, _ in pairs], {key.value: value.value for key, value in pairs if is_flat(value)}


def _model(shape: Shape, keys: Iterable[str], said: Mapping[str, str]) -> type[BaseModel] | None:
    """The model at *shape* that fits best: by the words that tell it from others, then by the keys it knows."""
    models = [arm for arm in _arms(shape) if isinstance(arm, type) and issubclass(arm, BaseModel)]
    return max(models, key=lambda model: _fit(model, keys, said), default=None)


def _fit(model: type[BaseModel], keys: Iterable[str], said: Mapping[str, str]) -> tuple[int, int]:
    known = fields_of(model)
    words = sum(
        said[name] in get_args(field.annotation)
        for name, field in known.items()
        if name in said and get_origin(field.annotation) is Literal
    )
    return words, sum(key in known for key in keys)


def _arms(shape: Shape) -> Iterator[Any]:
    """The types that *shape* allows, without what is said about them."""
    for arm in alternatives(shape):
        bare, _ = unwrap(arm)
        if bare is not arm:
            yield from _arms(bare)
        elif bare is not None:
            yield bare
