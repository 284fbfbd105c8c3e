"""What the models say about their fields: the texts below them in the source.

pydantic can keep these texts with the fields, but then reads the source of every model in every run; only schemas need them.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from functools import cache
from itertools import pairwise

from pydantic import BaseModel


def _definition(model: type[BaseModel]) -> ast.stmt | None:
    """The class statement of *model*; None where there is no source."""
    try:
        return ast.parse(textwrap.dedent(inspect.getsource(model))).body[0]
    except (OSError, TypeError):
        return None


def field_words(model: type[BaseModel]) -> dict[str, str]:
    """Attribute -> its text, for the fields of *model* that have one. A model that was not written has those of its bases."""
    words: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if issubclass(base, BaseModel) and base is not BaseModel:
            words.update(_written(base))
    return {name: text for name, text in words.items() if name in model.model_fields}


@cache
def _written(model: type[BaseModel]) -> dict[str, str]:
    try:
        definition = _definition(model)
    except SystemError:
        # CPython 3.11 counts the depth of a tree for all threads together, and gives up when another one parses meanwhile.
        definition = _definition(model)
    if not isinstance(definition, ast.ClassDef):
        return {}
    return {
        field.target.id: inspect.cleandoc(text.value.value)
        for field, text in pairwise(definition.body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }
