"""What documents are made of a workflow file: drafts, what is left out of them by line, and notes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from reconciler.adoption import writing
from reconciler.adoption.drafting import Draft, LeftOut, Reference, resource_of
from reconciler.adoption.naming import document_name
from reconciler.errors import TdrError
from reconciler.manifest.files import FileRefused, read_file
from reconciler.manifest.queries import unparsed
from reconciler.model.address import Address
from reconciler.model.exports import SECRET_SETTING
from reconciler.model.imports import ImportSpec
from reconciler.model.kinds import ActivationSpec, QuerySpec
from reconciler.model.queries import SqlSource
from reconciler.model.resource import Resource
from reconciler.model.secret import Secret
from reconciler.model.spec import Spec
from reconciler.ports.provider import Context
from reconciler.wiring import Runtime
from reconciler.workflow import dig

_VARIABLE: Final = re.compile(r"\$\{([^}]*)\}")
_REFERENCE: Final = re.compile(r"\s*\$\{[^}]*\}\s*")

Keys = tuple[str, ...]
"""The way to a value: the keys of the mappings that it lies in, and its own."""


class LeftAlone(Exception):
    """Why something is not taken over. *keys* is where, when it is not the task as a whole."""

    def __init__(self, why: str, *keys: str) -> None:
        super().__init__(why)
        self.keys = keys


@dataclass
class Desk:
    """What is known while drafts are made, one after the other. *folder* is that of the workflow file."""

    runtime: Runtime
    folder: Path
    workflow: dig.Dig
    earlier: tuple[Draft, ...] = ()
    """Drafts of the files before, of a folder of them."""
    timing: dict[str, Any] | None = None
    is_timing_used: bool = False
    drafts: list[Draft] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def where(self, keys: Keys) -> str:
        """File, line and column of what stands at *keys*, or of the mapping around it, for a file that is put in has no line."""
        while keys not in self.workflow.marks:
            keys = keys[:-1]
        return self.place(self.workflow.marks[keys])

    def place(self, mark: dig.Mark) -> str:
        """*mark* with its file relative to the project, or as the workflow names it when it lies elsewhere."""
        path, root = (self.folder / mark.file).resolve(), self.runtime.project.root.resolve()
        file = path.relative_to(root).as_posix() if path.is_relative_to(root) else mark.file
        return f"{file}:{mark.line}:{mark.column}"

    def leave_out(self, keys: Keys, why: str) -> None:
        """Tell that what stands at *keys* is not taken over."""
        self.leave_out_at(self.where(keys), keys[-1], why)

    def leave_out_at(self, where: str, what: str, why: str) -> None:
        """The same of what stands in another file than a workflow."""
        self.left_out.append(LeftOut("line", where, what, why))

    def note(self, keys: Keys, text: str) -> None:
        """Tell something about what stands at *keys*, which is taken over."""
        self.notes.append(f"{self.where(keys)}: {text}")

    def content(self, name: str) -> bytes | None:
        """The file *name* of the workflow's project; None when there is none, also when it leads out of it."""
        path = (self.folder / name).resolve()
        if not path.is_relative_to(self.folder.resolve()) or not path.is_file():
            return None
        try:
            return read_file(path, name)
        except (FileRefused, OSError):
            return None

    @contextmanager
    def whole(self) -> Iterator[None]:
        """Drafts that are made together are taken back together when one of them cannot be."""
        before = len(self.drafts)
        try:
            yield
        except LeftAlone:
            del self.drafts[before:]
            raise

    @property
    def resources(self) -> dict[Address, Resource]:
        """What is declared and what will be."""
        return {**self.declared, **{one.address: one.resource for one in self.drafts}}

    @property
    def declared(self) -> dict[Address, Resource]:
        """What is declared, or will be because of another file."""
        return {**self.runtime.world.resources, **{one.address: one.resource for one in self.earlier}}

    def keep(self, kind: str, label: str, tree: Mapping[str, Any], keys: Keys, *, called: str = "") -> str:
        """Make a draft of *tree*, unless a document says the same already. Returns the document's name.

        called: its name at the vendor, which the document says when its own name is another.

        Raises:
            LeftAlone: it would be refused.
        """
        root, manifests = self.runtime.project.root, self.runtime.project.spec.manifests
        taken = self.resources

        def is_free(name: str) -> bool:
            address = Address(kind, name)
            return address not in taken and writing.is_free(root, manifests, address)

        address = Address(kind, document_name(kind, label, label, is_free))
        if called and called != address.name:
            tree = {**tree, "name": called}
        try:
            resource = resource_of(address, tree)
        except ValidationError as error:
            # Without the value that is refused: it may be anything.
            first = error.errors(include_input=False)[0]
            raise LeftAlone(f"`{'.'.join(map(str, first['loc']))}` {first['msg']}") from error
        for declared, other in sorted(self.declared.items()):
            if declared.kind == kind and _says_the_same(resource.spec, other.spec):
                self.note(keys, f"{declared} declares it already")
                return declared.name
        self._refuse_mistakes(resource, keys)
        secrets = tuple(_references(tree))
        self.drafts.append(Draft(address, "", label, tree, resource, secrets))
        return address.name

    def _refuse_mistakes(self, resource: Resource, keys: Keys) -> None:
        why = unparsed(resource) if self.runtime.embedded is not None else ""
        if why:
            raise LeftAlone(why, *keys, "td>")
        provider = self.runtime.world.providers.get(resource.address.kind)
        found = provider.check(resource, Context({**self.resources, resource.address: resource})) if provider else ()
        try:
            problem = next((one for one in found if one.is_error), None)
        except TdrError as error:
            raise LeftAlone(error.message) from error
        if problem is not None:
            raise LeftAlone(problem.message)


def variables_of(tree: Mapping[str, Any], above: Mapping[str, Any]) -> Mapping[str, Any]:
    """What tasks in *tree* know: what is known *above*, and its `_export`."""
    exported = tree.get("_export")
    return {**above, **exported} if isinstance(exported, Mapping) else above


def filled(text: str, known: Mapping[str, Any], *keys: str) -> str:
    """*text*, which stands at *keys*, with the values of `_export`.

    Raises:
        LeftAlone: it names what is known only when the task runs.
    """

    def value(match: re.Match[str]) -> str:
        found: Any = known
        for part in match[1].strip().split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
        if found is None or isinstance(found, Mapping | list | bool) or "${" in str(found):
            raise LeftAlone(f"`{match[0]}` is known only when the task runs", *keys)
        return str(found)

    return _VARIABLE.sub(value, text)


def holds_secret(value: object) -> bool:
    """Whether *value*, that of a setting which only secrets have, is one in clear: neither a reference nor empty."""
    match value:
        case None | bool():
            return False
        case Mapping() | list():
            return True
        case _:
            return bool(str(value)) and _REFERENCE.fullmatch(str(value)) is None


def is_secret(name: str) -> bool:
    """Whether only secrets have this setting."""
    return SECRET_SETTING.search(name) is not None


def _references(value: object) -> Iterator[str]:
    """Names of the secrets that *value* asks for."""
    match value:
        case Reference():
            yield value.name
        case Mapping():
            for inner in value.values():
                yield from _references(inner)


def _says_the_same(spec: Spec, other: Spec) -> bool:
    """Whether two documents are about the same rows and the same target, whatever else they say."""
    match spec, other:
        case QuerySpec(), QuerySpec():
            return _rows(spec) == _rows(other)
        case ActivationSpec(), ActivationSpec():
            mine, theirs = spec.sql, other.sql
            ways = (spec.to, spec.membership) == (other.to, other.membership)
            return ways and mine is not None and theirs is not None and _rows(mine) == _rows(theirs)
        case ImportSpec(), ImportSpec():
            return (_told(spec.from_), spec.to) == (_told(other.from_), other.to)
        case _:
            return False


def _told(source: Spec) -> dict[str, Any]:
    """What a source says without its secrets, which a draft only refers to."""
    return {name: value for name, value in source if not isinstance(value, Secret)}


def _rows(source: SqlSource) -> tuple[str, str, str]:
    return source.database, source.engine.value, (source.sql or "").strip()
