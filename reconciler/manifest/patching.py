"""Changes one value in a YAML text that a person wrote, and leaves every other byte as it is.

A change is taken apart into smallest steps (`differing`). Each becomes an edit of the text at the exact span of the node
concerned (`layout`), written in the style found there (`rendering`), and is read back before it counts: what reads as
anything but the wanted tree is dropped, and the next way of writing is tried. When none is left, nothing is changed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import Enum

import yaml

from reconciler.errors import TdrError
from reconciler.manifest import rendering
from reconciler.manifest.differing import Path, Step, Verb, after, next_step
from reconciler.manifest.edits import edits
from reconciler.manifest.interpolation import escaped
from reconciler.manifest.layout import Layout, Node, layout
from reconciler.manifest.pointers import parts, pointer
from reconciler.manifest.syntax import read_documents
from reconciler.model.json import Json

_REFERENCE = re.compile(r"(?<!\$)\$\{(?:var|env|secret):[^}]*\}?")
_MARK = b"\xef\xbb\xbf"
MAX_STEPS = 2_000


class Absent(Enum):
    """No value: the key is to go."""

    ABSENT = "absent"


ABSENT = Absent.ABSENT


def patch(data: bytes, file: str, document: int, path: str, value: Json | Absent) -> bytes:
    """*data* with the value at *path* of one document exchanged, and nothing else.

    file: its name, for messages. document: counted from 0, empty ones left out, as in `Resource.origin`.
    path: JSON pointer; what is missing on the way is made. value: ABSENT takes the key away.

    Raises:
        TdrError: the value is repeated by an alias, merged, or stands for something written elsewhere; or no way of
            writing it reads back as it should. The message says where to edit by hand.
    """
    text = data.decode("utf-8")
    trees = _trees(text, file)
    if not 0 <= document < len(trees):
        raise TdrError(f"{file} has no document {document + 1}", hint="it changed meanwhile; try again")
    want = _with(trees[document], tuple(parts(path)), value)
    for _ in range(MAX_STEPS):
        step = next_step(trees[document], want)
        if step is None:
            return text.encode("utf-8")
        trees[document] = after(trees[document], step)
        text = _edited(text, file, document, step, trees)
    raise TdrError(f"{file}: {path} differs in more than {MAX_STEPS} places", hint="edit it by hand")


def as_written(value: Json) -> Json:
    """*value* as a manifest holds it: scalars as text, and what looks like a reference escaped."""
    if isinstance(value, Mapping):
        return {name: as_written(item) for name, item in value.items()}
    if isinstance(value, str):
        return escaped(value)
    if isinstance(value, Sequence):
        return [as_written(item) for item in value]
    if value is None:
        return None
    return rendering.Bare(str(value).lower() if isinstance(value, bool) else str(value))


def _trees(text: str, file: str) -> list[Json]:
    parsed = read_documents(text, file)
    wrong = next((problem for problem in parsed.problems if problem.is_error), None)
    if wrong is not None:
        raise TdrError(f"{file} does not parse: {wrong.message}", hint="run `tdr validate`")
    return [document.tree for document in parsed.documents]


def _with(tree: Json, path: tuple[str, ...], value: Json | Absent) -> Json:
    """*tree* with *value* at *path*; mappings are made where the way there is missing."""
    if not path:
        return None if value is ABSENT else as_written(value)
    name, below = path[0], path[1:]
    if isinstance(tree, Sequence) and not isinstance(tree, str):
        if not name.isdecimal() or int(name) > len(tree):
            raise TdrError(
                f"a list of {len(tree)} entries has none called {name!r}", hint="change the manifest by hand"
            )
        items = list(tree)
        if value is ABSENT and not below:
            return items[: int(name)] + items[int(name) + 1 :]
        items[int(name) : int(name) + 1] = [_with(items[int(name)] if int(name) < len(items) else None, below, value)]
        return items
    if tree is not None and not isinstance(tree, Mapping):
        raise TdrError(f"{name!r} cannot be put below a value that is no mapping", hint="change the manifest by hand")
    mapping = dict(tree or {})
    if value is ABSENT and (not below or name not in mapping):
        mapping.pop(name, None)
    else:
        mapping[name] = _with(mapping.get(name), below, value)
    return mapping


def _edited(text: str, file: str, document: int, step: Step, wanted: list[Json]) -> str:
    """*text* with *step* done, read back and found to be *wanted*."""
    try:
        spans = layout(text)
    except yaml.YAMLError as error:
        raise TdrError(f"{file} cannot be edited in place", hint="edit it by hand") from error
    way = _way(spans, file, document, step.path if step.verb is not Verb.INSERT else step.path[:-1])
    for start, end, replacement in edits(spans, way, step):
        candidate = text[:start] + replacement + text[end:]
        parsed = read_documents(candidate, file)
        is_read = not any(problem.is_error for problem in parsed.problems)
        if is_read and [one.tree for one in parsed.documents] == wanted:
            return candidate
    raise _refused(file, way[-1], step.path, "cannot be changed in place")


def _way(spans: Layout, file: str, document: int, path: Path) -> list[Node]:
    """The nodes from the document to what stands at *path*.

    Raises:
        TdrError: one of them is written elsewhere, or repeated elsewhere.
    """
    way: list[Node] = [spans.roots[document]]
    for part in path:
        node = way[-1]
        if isinstance(node, yaml.SequenceNode):
            child, written_after = node.value[int(part)], node
        else:
            pair = next((pair for pair in node.value if pair[0].value == part), None)
            if pair is None:
                raise _refused(file, node, path, "is merged from another block by `<<`")
            written_after, child = pair
        if child.start_mark.index < written_after.start_mark.index:
            raise _refused(file, written_after, path, "is repeated from a block above by `*`")
        way.append(child)
    for node in way[:-1]:
        if id(node) in spans.repeated:
            raise _refused(file, node, path, "stands in a block that is repeated below by `*`")
    if spans.is_repeated(way[-1]):
        raise _refused(file, way[-1], path, "is repeated below by `*`")
    _refuse_references(file, way[-1], path)
    return way


def _refuse_references(file: str, node: Node, path: Path) -> None:
    """What stands for something written elsewhere is to be changed there."""
    if not isinstance(node, yaml.ScalarNode):
        return
    found = _REFERENCE.search(node.value)
    if found is not None:
        where = {
            "var": "change it among the `variables` of the environment",
            "env": "change the environment variable",
            "secret": "change the secret where it is kept",
        }[found[0][2:].partition(":")[0]]
        raise _refused(file, node, path, f"is written as {found[0]}", where)


def _refused(file: str, node: Node, path: Path, why: str, hint: str = "edit it by hand") -> TdrError:
    mark = node.start_mark
    return TdrError(f"{file}:{mark.line + 1}:{mark.column + 1}: {pointer(*path)} {why}", hint=hint)
