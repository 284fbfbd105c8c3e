"""Manifests in one form: keys in the order of the models, two blanks a level, quotes only where they are needed.

Nothing is written anew: stretches of the text are moved or exchanged, at the exact places of its nodes (`layout`). What is
changed is read again, and only counts when the file says the very same; so whatever cannot be put in form stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import yaml

from reconciler.diagnostics import Diagnostic, Position
from reconciler.errors import ManifestError
from reconciler.manifest import indenting, quoting, reordering, trimming
from reconciler.manifest.edits import Edit
from reconciler.manifest.key_order import Shape, document_shape
from reconciler.manifest.layout import Layout, layout
from reconciler.manifest.syntax import read_documents
from reconciler.manifest.tree import Tree

Group = Sequence[Edit]
"""Edits that only make sense together."""
_ROUNDS = 8
"""One is enough for what people write, and a second sees that nothing is left; each level of keys out of order takes one."""


def formatted(data: bytes, file: str, shape: Shape = None) -> bytes:
    """The file in form. Says the same as before, and is in form for good.

    file: its name, for messages. shape: the model of its documents; found by their kinds when left out.

    Raises:
        ManifestError: it does not parse, or cannot be read as tdr reads manifests.
    """
    trees = _trees(data, file)
    text = data.decode("utf-8")
    for _ in range(_ROUNDS):
        before = text
        for find in (indenting.groups, _reordered(trees, shape), _quoted(trees, shape), trimming.groups):
            text = _applied(text, file, find, trees)
        if text == before:
            break
    return text.encode("utf-8")


def _trees(data: bytes, file: str) -> list[Tree]:
    parsed = read_documents(data, file)
    wrong = tuple(problem for problem in parsed.problems if problem.is_error)
    if wrong:
        raise ManifestError(wrong)
    return [document.tree for document in parsed.documents]


def _shapes(trees: Sequence[Tree], shape: Shape) -> list[Shape]:
    if shape is not None:
        return [shape for _ in trees]
    return [document_shape(tree.get("kind")) if isinstance(tree, dict) else None for tree in trees]


def _reordered(trees: Sequence[Tree], shape: Shape) -> Callable[[Layout], Sequence[Group]]:
    return lambda spans: reordering.groups(spans, _shapes(trees, shape))


def _quoted(trees: Sequence[Tree], shape: Shape) -> Callable[[Layout], Sequence[Group]]:
    return lambda spans: quoting.groups(spans, _shapes(trees, shape))


def _applied(text: str, file: str, find: Callable[[Layout], Sequence[Group]], trees: Sequence[Tree]) -> str:
    """*text* with the groups of edits that *find* finds in it, but those that would change what it says."""
    try:
        groups = find(layout(text))
    except yaml.YAMLError as error:
        # Both parsers read the same language, except at its edges; where they differ nothing is touched.
        mark = getattr(error, "problem_mark", None)
        where = Position(file, mark.line + 1, mark.column + 1) if mark else Position(file)
        message, hint = "cannot be put in form: its structure is not clear", "write this line in a plainer way"
        raise ManifestError((Diagnostic("not-formattable", message, position=where, hint=hint),)) from error
    together = _edited(text, [edit for group in groups for edit in group])
    if together == text or _says(together, file, trees):
        return together
    # The last first, so that the places of the others stay right.
    for group in sorted(groups, key=lambda group: group[0], reverse=True):
        candidate = _edited(text, group)
        text = candidate if _says(candidate, file, trees) else text
    return text


def _edited(text: str, edits: Sequence[Edit]) -> str:
    parts, at = [], 0
    for start, end, replacement in sorted(edits):
        parts += [text[at:start], replacement]
        at = end
    return "".join([*parts, text[at:]])


def _says(text: str, file: str, trees: Sequence[Tree]) -> bool:
    parsed = read_documents(text, file)
    is_read = not any(problem.is_error for problem in parsed.problems)
    return is_read and [document.tree for document in parsed.documents] == list(trees)
