"""``${var:NAME}``, ``${env:NAME}`` and ``${secret:…}`` in the scalars of a parsed tree.

Only these forms are touched. Everything else with a dollar in it, such as ``${session_id}`` of a workflow, stays byte for
byte; ``$${var:x}`` stands for the text ``${var:x}``. What is put in is never read again, so a value can neither add keys
nor name further values. A secret is a whole scalar or nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from reconciler.diagnostics import UNRESOLVED_SECRET, did_you_mean
from reconciler.errors import SecretError
from reconciler.manifest.pointers import pointer
from reconciler.manifest.secrets import MalformedReference, SecretSource
from reconciler.manifest.tree import Tree
from reconciler.model.secret import Secret
from reconciler.model.unicode import is_unicode

Resolved: TypeAlias = None | str | Secret | list["Resolved"] | dict[str, "Resolved"]
"""A tree whose references are replaced."""

_FORM = re.compile(r"(?P<escape>\$?)\$\{(?P<form>var|env|secret):(?P<body>[^}]*)(?P<end>\}?)")
_SECRET = re.compile(r"\s*\$\{secret:(?P<reference>[^}]*)\}\s*")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


@dataclass(frozen=True, slots=True)
class Values:
    """What references stand for."""

    variables: Mapping[str, str]
    environ: Mapping[str, str]
    secret: SecretSource


@dataclass(frozen=True, slots=True)
class Unresolved:
    """The scalar at *path* has a reference that cannot be followed."""

    path: str
    rule: str
    message: str
    hint: str


Report: TypeAlias = Callable[[Unresolved], None]


def is_name(text: str) -> bool:
    """Whether a variable can be called *text*."""
    return _NAME.fullmatch(text) is not None


def has_reference(text: str) -> bool:
    """Whether something in *text* would stand for a value in a document."""
    return any(not found["escape"] for found in _FORM.finditer(text))


def resolve(tree: Tree, values: Values, report: Report, path: str = "") -> Resolved:
    """*tree* with all references replaced. What cannot be is reported and left as it is."""
    if isinstance(tree, str):
        return _scalar(tree, values, report, path) if "${" in tree else tree
    if isinstance(tree, dict):
        return {key: resolve(value, values, report, path + pointer(key)) for key, value in tree.items()}
    if isinstance(tree, list):
        return [resolve(item, values, report, f"{path}/{index}") for index, item in enumerate(tree)]
    return tree


def _scalar(text: str, values: Values, report: Report, path: str) -> str | Secret:
    whole = _SECRET.fullmatch(text)
    if whole is not None:
        try:
            return values.secret(whole["reference"].strip())
        except MalformedReference as error:
            report(Unresolved(path, "secret-form", error.message, error.hint))
        except SecretError as error:
            report(Unresolved(path, UNRESOLVED_SECRET, error.message, error.hint))
        return text

    def replaced(found: re.Match[str]) -> str:
        if found["escape"]:
            return found[0][1:]
        try:
            return _value(found, values)
        except _Refused as refused:
            report(Unresolved(path, refused.rule, refused.message, refused.hint))
            return found[0]

    return _FORM.sub(replaced, text)


def escaped(text: str) -> str:
    """What to write so that :func:`resolve` gives *text*. A form ends where the loader ends it, with all that is inside."""
    return _FORM.sub(lambda found: f"${found[0]}", text)


class _Refused(Exception):
    def __init__(self, rule: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.rule = rule
        self.message = message
        self.hint = hint


def _value(found: re.Match[str], values: Values) -> str:
    form, body = found["form"], found["body"]
    if not found["end"]:
        raise _Refused(
            "reference-form", f"`${{{form}:` is never closed", "close it with }, or write $${ for the text itself"
        )
    if form == "secret":
        raise _Refused(
            "secret-in-text", "a secret must be the whole value", "keep the text around it in a field of its own"
        )
    name, bar, default = body.partition("|")
    if not _NAME.fullmatch(name):
        hint = f"write ${{{form}:NAME}} or ${{{form}:NAME|default}}"
        raise _Refused("reference-form", f"{name!r} cannot be a name in `${{{form}:…}}`", hint)
    known = values.variables if form == "var" else values.environ
    if name in known:
        if not is_unicode(known[name]):
            raise _Refused("not-utf-8", f"the environment variable `{name}` is not UTF-8", f"set {name} to UTF-8 text")
        return known[name]
    if bar:
        return default
    if form == "env":
        hint = f"set {name} before running tdr, or give a default: ${{env:{name}|…}}"
        raise _Refused("undefined-environment-variable", f"the environment variable `{name}` is not set", hint)
    near = did_you_mean(name, known)
    hint = near or f"add it to `variables` of the environment, or give a default: ${{var:{name}|…}}"
    raise _Refused("undefined-variable", f"no variable `{name}` is defined", hint)
