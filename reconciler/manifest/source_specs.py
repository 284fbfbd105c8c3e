"""Checks the source specifications of a project, and says where in their texts what is wrong stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.diagnostics import Diagnostic, Severity
from reconciler.manifest.findings import Findings, Place
from reconciler.manifest.queries import inside
from reconciler.manifest.source import Source
from reconciler.model.address import Address
from reconciler.model.resource import Resource
from reconciler.model.sourcespecs import SourceDefinition

if TYPE_CHECKING:
    from reconciler.sourcespec.findings import Finding

_RULE = "source-spec"


def check_source_specs(
    resources: Mapping[Address, Resource], places: Mapping[Address, Place], findings: Findings
) -> None:
    """Tell what is wrong with every SourceSpec document of *resources*, in its file, line and column."""
    for address, resource in resources.items():
        spec = resource.spec
        if not isinstance(spec, SourceDefinition) or spec.definition is None:
            continue
        root, found = _found(spec)
        if found:
            told = _Telling(address, places[address], spec, spec.definition, root)
            findings.extend([told.diagnostic(finding) for finding in found])


def _found(spec: SourceDefinition) -> tuple[str, list[Finding]]:
    """What is wrong, and what stands before the places of it in the text."""
    from reconciler.sourcespec import documents, inputs  # noqa: PLC0415 - only for projects that have specifications
    from reconciler.sourcespec.checking import check  # noqa: PLC0415 - as above
    from reconciler.sourcespec.definition import Definition  # noqa: PLC0415 - as above
    from reconciler.sourcespec.findings import Refused  # noqa: PLC0415 - as above

    try:
        declared = documents.declared(spec)
    except Refused as refused:
        return "", [refused.finding]
    definition = Definition.of(declared.source, {})
    found = [finding for finding in inputs.misfits(definition.inputs, {}) if not finding.at.startswith("params")]
    if definition.is_template:
        # The definition itself comes with the import that fills the template in.
        return declared.root, [*definition.findings, *found]
    return declared.root, [*check(declared.source, declared=declared.parameters()).findings, *found]


class _Telling:
    """Makes diagnostics of what was found in one document."""

    def __init__(self, address: Address, place: Place, spec: SourceDefinition, text: str, root: str) -> None:
        from reconciler.sourcespec.yaml_reading import positions  # noqa: PLC0415 - as above

        self._address = address
        self._place = place
        self._file = spec.file
        self._text = text
        self._root = root
        self._positions = positions(text)

    def diagnostic(self, finding: Finding) -> Diagnostic:
        severity = Severity.ERROR if finding.severity == "error" else Severity.WARNING
        line, column = (finding.line, finding.column) if finding.line else self._position(finding.at)
        message = finding.message if finding.at == "text" else f"{finding.at}: {finding.message}"
        if self._file is not None:
            told = Source(self._file, self._text).finding(
                _RULE, message, line, column, severity=severity, hint=finding.hint
            )
            return replace(told, subject=str(self._address), path="/spec/file")
        pointer = "/spec/definition"
        where = self._place.position(pointer)
        source = self._place.written(pointer)[0].file.source
        at = inside(source, where, self._text, line, column) or where
        frame = self._place.frame(at)
        return Diagnostic(_RULE, message, severity, at, str(self._address), pointer, finding.hint, frame)

    def _position(self, at: str) -> tuple[int, int]:
        """The place of the member at *at*, or of what is nearest above it; the beginning where there is none."""
        for path in _above(f"{self._root}.{at}" if self._root else at):
            if path in self._positions:
                return self._positions[path]
        return 1, 1


def _above(path: str) -> Iterator[str]:
    while path:
        yield path
        path = path.rpartition(".")[0]
