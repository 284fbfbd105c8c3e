"""The pass over all documents of a project: each becomes a resource, or findings that say why not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import cast

from pydantic import ValidationError

from reconciler.diagnostics import Diagnostic, Position, Severity, did_you_mean
from reconciler.manifest import characters
from reconciler.manifest.cache import TreeCache
from reconciler.manifest.documents import ENVELOPE, ManifestDocument, document_model, is_secretive, validate
from reconciler.manifest.files import FileRefused, TextFiles, with_texts
from reconciler.manifest.findings import Findings, ManifestFile, Place
from reconciler.manifest.folder import documents_of, manifest_files
from reconciler.manifest.interpolation import Unresolved, Values, resolve
from reconciler.manifest.mistakes import Mistake, mistakes
from reconciler.manifest.needs import Refuse, needed_references
from reconciler.manifest.overlays import Overlays
from reconciler.manifest.project import Project
from reconciler.manifest.references import Names, cycles
from reconciler.manifest.settled import QUERY, may_settle
from reconciler.manifest.shapes import file_fields, names_in
from reconciler.manifest.source import Source
from reconciler.manifest.timings import timing_mistakes
from reconciler.manifest.transitions import TransitionsReading
from reconciler.manifest.tree import Document, Tree, mentions
from reconciler.model.address import NAME, Address
from reconciler.model.environment import EnvironmentSpec
from reconciler.model.kinds import KINDS
from reconciler.model.resource import Origin, Reference, Resource
from reconciler.model.spec import Lifecycle, Spec
from reconciler.model.transitions import KIND as TRANSITIONS
from reconciler.model.transitions import Transitions
from reconciler.schedule import Dialect


@dataclass(frozen=True, slots=True)
class _Declared:
    """A document with an address. *content* is None when something in it is wrong."""

    place: Place
    index: int
    content: ManifestDocument | None


class Reading:
    """One pass. First `read`, which finds out what is declared, then `resources`, which follows names."""

    def __init__(
        self,
        project: Project,
        environment: EnvironmentSpec | None,
        values: Values,
        findings: Findings,
        environment_name: str = "",
        settled: Mapping[str, str] = MappingProxyType({}),
        overlays: Overlays | None = None,
    ) -> None:
        """Start with nothing declared. Without an *environment* nobody knows its variables, so they are not missed.

        settled: digest of a document that need not be read further -> name of its query.
        """
        self._project = project
        self._environment = environment
        self._environment_name = environment_name
        self._cron_dialect = environment.cron_dialect if environment else Dialect.DOCUMENTED
        self._values = values
        self._findings = findings
        self._texts = TextFiles(project.root)
        self._settled = settled
        self._overlays = overlays if overlays is not None else Overlays(findings)
        self.aside: set[Address] = set()
        self.digests: dict[Address, str] = {}
        self._declared: dict[Address, _Declared] = {}
        self._knows_all = True
        self._transitions = TransitionsReading(findings)

    def read(self, cache: TreeCache, *, may_be_empty: bool = False) -> None:
        """Read all files and validate their documents."""
        found = Findings()
        files = [(file, documents_of(file, cache, found)) for file in manifest_files(self._project, found)]
        cache.save()
        self._findings.extend(found.diagnostics)
        # What a file that cannot be read declares is not known, so a name may mean something after all.
        self._knows_all = not found.has_errors
        for file, documents in files:
            for index, document in enumerate(documents):
                self._document(file, index, document)
        if self._knows_all and not may_be_empty and not any(documents for _, documents in files):
            folder = self._project.spec.manifests
            hint = "write a document into a file there, such as audiences.yaml"
            message = f"no manifests found: no *.yaml or *.yml below `{folder}` holds a document"
            self._findings.extend([Diagnostic("no-manifests", message, position=Position(folder), hint=hint)])

    def resources(self) -> dict[Address, Resource]:
        """Everything declared without a mistake, sorted by address."""
        names = Names(self._declared)
        found: dict[Address, Resource] = {}
        for address in sorted(self._declared, key=lambda address: (address.kind, address.name)):
            declared = self._declared[address]
            if declared.content is not None:
                found[address] = self._resource(address, declared, declared.content, names)
        if self._knows_all:
            self._overlays.refuse_unknown(self._declared)
        self._refuse_cycles(found)
        self._note_quotes()
        return found

    def places(self) -> dict[Address, Place]:
        """Where each address is declared."""
        return {address: declared.place for address, declared in self._declared.items()}

    def _document(self, file: ManifestFile, index: int, document: Document) -> None:
        name = self._settled.get(document.digest) if self._settled else None
        if name is not None and (query := Address(QUERY, name)) not in self._overlays:
            self.aside.add(query)
            self._declare(query, _Declared(Place(file, document.line), index, None))
            return
        tree = document.tree
        kind = tree.get("kind") if isinstance(tree, dict) else None
        if kind == TRANSITIONS:
            self._transitions_document(Place(file, document.line), document)
            return
        if not isinstance(tree, dict) or not isinstance(kind, str) or kind not in KINDS:
            self._refuse_envelope(Place(file, document.line), tree)
            return
        place = Place(file, document.line, is_secretive(kind))
        failed: set[str] = set()
        tree, place = self._laid_over(kind, tree, place)
        is_interpolated = document.interpolated if place.overlaid is None else mentions(tree)
        resolved: object = tree
        if is_interpolated:
            resolved = self._resolved(kind, tree, place, failed)
        content = None
        found: list[Mistake] = []
        try:
            content = validate(kind, resolved)
        except ValidationError as error:
            found += mistakes(error, document_model(kind), tree, is_secretive=place.is_secretive)
        found += timing_mistakes(kind, resolved, tree, self._cron_dialect)
        subject = str(_address(kind, resolved) or "") if found else ""
        for mistake in found:
            if mistake.path not in failed:
                self._findings.add(
                    mistake.rule,
                    mistake.message,
                    place,
                    mistake.path,
                    hint=mistake.hint,
                    subject=subject,
                    at_key=mistake.at_key,
                )
        address = Address.of(kind, content.metadata.name) if content is not None else _address(kind, resolved)
        if address is not None:
            if not is_interpolated and place.overlaid is None and may_settle(kind, tree):
                self.digests[address] = document.digest
            self._declare(address, _Declared(place, index, content))

    def _laid_over(self, kind: str, tree: dict[str, Tree], place: Place) -> tuple[dict[str, Tree], Place]:
        """The document *tree* at *place* as this environment has it."""
        if not self._overlays.entries:
            return tree, place
        metadata = tree.get("metadata")
        name = metadata.get("name") if isinstance(metadata, dict) else None
        address = _address(kind, {"metadata": {"name": resolve(name, self._values, lambda _: None)}})
        if address is None or address not in self._overlays:
            return tree, place
        merged, overlaid = self._overlays.over(address, kind, tree)
        return merged, replace(place, overlaid=overlaid)

    def _transitions_document(self, place: Place, document: Document) -> None:
        failed: set[str] = set()
        tree = document.tree
        resolved = self._resolved(TRANSITIONS, tree, place, failed) if document.interpolated else tree
        self._transitions.document(place, resolved, tree, failed)

    def transitions(self) -> Transitions:
        """What became of addresses, told against everything that is declared."""
        written = self._project.written.get(self._environment_name)
        if self._environment is not None and written is not None:
            self._transitions.imports(written.place, self._environment.imports, f"{written.path}/imports")
        return self._transitions.checked(self._declared) if self._knows_all else Transitions()

    def _resolved(self, kind: str, tree: Tree, place: Place, failed: set[str]) -> object:
        subject = str(_address(kind, tree) or "")

        def report(unresolved: Unresolved) -> None:
            failed.add(unresolved.path)
            if unresolved.rule == "undefined-variable" and self._environment is None:
                return
            field = unresolved.path.lstrip("/").replace("/", ".")
            message = f"`{field}`: {unresolved.message}"
            self._findings.add(unresolved.rule, message, place, unresolved.path, hint=unresolved.hint, subject=subject)

        return resolve(tree, self._values, report)

    def _refuse_envelope(self, place: Place, tree: Tree) -> None:
        add = self._findings.add
        known = ", ".join(KINDS)
        if not isinstance(tree, dict):
            add(
                "not-a-document",
                "a document must be a mapping",
                place,
                hint=f"begin it with apiVersion, {', '.join(ENVELOPE[1:4])}",
            )
            return
        for key in tree:
            if key not in ENVELOPE:
                hint = did_you_mean(key, ENVELOPE) or f"known here: {', '.join(ENVELOPE)}"
                add("unknown-key", f"key `{key}` is not known here", place, f"/{key}", hint=hint, at_key=True)
        kind = tree.get("kind")
        if isinstance(kind, str):
            add(
                "unknown-kind",
                f"there is no kind {kind!r}",
                place,
                "/kind",
                hint=did_you_mean(kind, [*KINDS, TRANSITIONS]) or f"kinds: {known}",
            )
        elif not any(did_you_mean(key, ["kind"]) for key in tree if key not in ENVELOPE):
            add("missing-key", "`kind` is missing", place, hint=f"one of {known}")

    def _declare(self, address: Address, declared: _Declared) -> None:
        first = self._declared.get(address)
        if first is None:
            self._declared[address] = declared
            return
        message = f"`{address}` is declared twice: at {first.place.position('/metadata/name')} and here"
        hint = "give one of them another name; a name is unique among documents of its kind"
        self._findings.add(
            "duplicate-address", message, declared.place, "/metadata/name", hint=hint, subject=str(address)
        )

    def _resource(self, address: Address, declared: _Declared, content: ManifestDocument, names: Names) -> Resource:
        references = []
        for named in names_in(content.spec, "/spec"):
            target = names.target(named)
            if target is not None:
                references.append(Reference(named.path, target))
            elif self._knows_all and not named.refers_to.optional:
                message = f"no {named.refers_to.kind} `{named.name}` is declared"
                hint = names.suggestion(named)
                self._findings.add(
                    "unresolved-reference", message, declared.place, named.path, hint=hint, subject=str(address)
                )
            elif self._knows_all and (near := names.lookalike(named)):
                self._findings.add(
                    "undeclared-lookalike",
                    f"no {named.refers_to.kind} `{named.name}` is declared, so one that exists already is meant",
                    declared.place,
                    named.path,
                    hint=f"did you mean `{near}`?",
                    severity=Severity.NOTICE,
                    subject=str(address),
                )
        if content.dependsOn:
            references += needed_references(
                address, content.dependsOn, self._declared, self._refuse_need(address, declared.place)
            )
        if len(references) > 1:
            references.sort(key=lambda reference: reference.path)
        spec = content.spec
        if file_fields(type(spec)):
            spec = self._with_texts(address, declared.place, spec)
        origin = Origin(declared.place.file.file, declared.index)
        lifecycle = self._lifecycle(address.kind, content.lifecycle)
        return Resource(address, spec, lifecycle, origin, tuple(references), content.metadata.labels)

    def _refuse_need(self, address: Address, place: Place) -> Refuse:
        def refuse(rule: str, path: str, message: str, hint: str) -> None:
            if self._knows_all or rule != "unresolved-reference":
                self._findings.add(rule, message, place, path, hint=hint, subject=str(address))

        return refuse

    def _with_texts(self, address: Address, place: Place, spec: Spec) -> Spec:
        def refuse(path: str, refused: FileRefused) -> None:
            self._findings.add(refused.rule, refused.message, place, path, hint=refused.hint, subject=str(address))

        return with_texts(spec, self._texts, refuse, "/spec")

    def _lifecycle(self, kind: str, lifecycle: Lifecycle) -> Lifecycle:
        """With what the environment says for *kind* or for all, where the document says nothing."""
        environment = self._environment
        if environment is None or not (environment.protect or environment.lifecycle):
            return lifecycle
        said: dict[str, object] = {"protect": True} if environment.protect else {}
        if kind in environment.lifecycle:
            said |= environment.lifecycle[kind].model_dump(exclude_none=True)
        missing = {name: value for name, value in said.items() if name not in lifecycle.model_fields_set}
        return lifecycle.model_copy(update=missing) if missing else lifecycle

    def _refuse_cycles(self, resources: dict[Address, Resource]) -> None:
        for cycle in cycles({address: resource.references for address, resource in resources.items()}):
            address, following = cycle[0], cycle[1]
            path = next(reference.path for reference in resources[address].references if reference.target == following)
            message = f"resources name each other in a circle: {' -> '.join(str(step) for step in cycle)}"
            place = self._declared[address].place
            self._findings.add(
                "cycle", message, place, path, hint="one of them must not name the next", subject=str(address)
            )

    def _note_quotes(self) -> None:
        for path, text in self._texts.read_so_far().items():
            found = characters.TYPOGRAPHIC_QUOTE.findall(text) if not text.isascii() else []
            if found:
                first = characters.TYPOGRAPHIC_QUOTE.search(text)
                offset = first.start() if first else 0
                line, column = text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)
                message = f"contains typographic quotes: {characters.all_named(found)}"
                hint = "SQL quotes names with \" and text with '"
                source = Source(path, text)
                notice = source.finding(
                    "typographic-quotes", message, line, column, severity=Severity.NOTICE, hint=hint
                )
                self._findings.extend([notice])


def _address(kind: str, tree: object) -> Address | None:
    """The address that a document would have, if it has a name; its other mistakes do not make it undeclared."""
    metadata = cast("dict[str, object]", tree).get("metadata") if isinstance(tree, dict) else None
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return Address.of(kind, name) if isinstance(name, str) and NAME.fullmatch(name) else None
