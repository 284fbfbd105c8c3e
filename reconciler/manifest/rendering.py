"""Values as YAML text, to be put into a text that a person wrote: in the style found there, quoted where needed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import yaml

from reconciler.model.json import Json

_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./@+-]*(?: [A-Za-z0-9_./@+-]+)*")
_ESCAPED = re.compile('["\\\\]|[^\x20-\x7e\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]|[\u2028\u2029]')
_SHORT = {"\n": "\\n", "\t": "\\t", "\r": "\\r", '"': '\\"', "\\": "\\\\"}
_RESOLVER: Final[Any] = yaml.SafeLoader("")
_TEXT = "tag:yaml.org,2002:str"
_YES: Final = frozenset({"y", "Y", "n", "N"})
"""A yes or a no in YAML 1.1, https://yaml.org/type/bool.html, which PyYAML does not take for one."""


class Bare(str):
    """A number or a yes, as text: written without quotes."""

    __slots__ = ()


def scalars(value: Json, style: str | None) -> Iterator[str]:
    """One-line ways to write a scalar, the one in *style* (``'``, ``"`` or None for plain) first.

    The first may read back as something else where it is put; the last, double-quoted, never does.
    """
    if value is None or isinstance(value, Bare):
        yield value or "null"
        return
    value = str(value)
    is_one_line = "\n" not in value and not _ESCAPED.search(value.replace('"', "").replace("\\", ""))
    if style not in ("'", '"') and is_one_line and value and value == value.strip() and is_text(value):
        yield value
    if style == "'" and is_one_line:
        yield "'" + value.replace("'", "''") + "'"
    yield quoted(value)


def is_text(value: str) -> bool:
    """Whether *value*, written plain, is text to every YAML 1.1 reader, and not a number, a date or a yes."""
    return value not in _YES and str(_RESOLVER.resolve(yaml.ScalarNode, value, (True, False))) == _TEXT


def is_plain(value: str) -> bool:
    """Whether *value* needs no quotes anywhere, and nobody misses them: words, paths, names."""
    return _PLAIN.fullmatch(value) is not None and is_text(value)


def quoted(value: str) -> str:
    """*value* in double quotes."""
    return '"' + _ESCAPED.sub(lambda found: _escape(found[0]), value) + '"'


def _escape(character: str) -> str:
    code = ord(character)
    short = _SHORT.get(character)
    if short is not None:
        return short
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def inline(value: Json) -> str:
    """*value* on one line, collections in flow style."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key(name)}: {inline(item)}" for name, item in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(inline(item) for item in value) + "]"
    if isinstance(value, str) and not isinstance(value, Bare):
        return value if is_plain(value) else quoted(value)
    return next(scalars(value, None))


def key(name: str) -> str:
    """The key of a mapping."""
    return name if is_plain(name) else quoted(name)


def entry(name: str, value: Json, indent: int) -> list[str]:
    """A key and its value in block style, as lines indented by *indent* blanks."""
    head = " " * indent + key(name) + ":"
    if isinstance(value, Mapping) and value:
        return [head, *(line for below, item in value.items() for line in entry(below, item, indent + 2))]
    if isinstance(value, Sequence) and not isinstance(value, str) and value:
        return [head, *(" " * (indent + 2) + "- " + inline(one) for one in value)]
    if isinstance(value, str) and (body := literal(value, indent + 2)) is not None and "\n" in value:
        return [f"{head} {body[0]}", *body[1:]]
    return [f"{head} {inline(value)}"]


def item(value: Json, indent: int, *, like_block: bool) -> list[str]:
    """An item of a sequence, as lines; a mapping in block style where its neighbours are."""
    dash = " " * indent + "- "
    if like_block and isinstance(value, Mapping) and value:
        lines = [line for name, below in value.items() for line in entry(name, below, indent + 2)]
        return [dash + lines[0].lstrip(" "), *lines[1:]]
    return [dash + inline(value)]


def literal(value: str, indent: int) -> list[str] | None:
    """*value* as a literal block: its header, and its lines indented by *indent* blanks; None when it cannot be one."""
    text = value.rstrip("\n")
    kept = len(value) - len(text)
    lines = text.split("\n")
    is_odd = any(not line.strip() and line for line in lines) or _ESCAPED.search(
        value.replace('"', "").replace("\\", "").replace("\n", "").replace("\t", "")
    )
    if is_odd or not text or lines[0][:1] in ("", " ", "\t"):
        return None
    header = "|-" if kept == 0 else "|" if kept == 1 else "|+"
    return [header, *(" " * indent + line if line else "" for line in lines), *[""] * (kept - 1)]
