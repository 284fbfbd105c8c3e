"""What a load gives: resources, the environment, notices, and ways back to the places they came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.diagnostics import Diagnostic, Position
from reconciler.manifest.digest import Fingerprint, config_digest
from reconciler.manifest.findings import Place
from reconciler.manifest.settled import NOTHING, Settled
from reconciler.model.address import Address
from reconciler.model.environment import EnvironmentSpec
from reconciler.model.json import digest
from reconciler.model.resource import Resource
from reconciler.model.transitions import Transitions


@dataclass(frozen=True, slots=True)
class Written:
    """A value as it is written.

    file: relative to the project; *data* is all of it, as it was read. document: counted from 0.
    pointer: in that document. is_overlay: whether it is the environment that says it, and not the resource's own document.
    """

    file: str
    document: int
    pointer: str
    data: bytes
    is_overlay: bool


@dataclass(frozen=True, slots=True)
class Loaded:
    """A project as one environment sees it.

    resources: address -> resource, sorted by address.
    environment: the chosen environment, its variables overlaid by those of the command line.
    notices: what a person should know; never an error.
    settled: what an earlier plan found to be as declared.
    aside: documents of it that did not change, and are not among *resources*.
    digests: of the others that may be found settled.
    """

    resources: Mapping[Address, Resource]
    environment: EnvironmentSpec
    environment_name: str
    notices: tuple[Diagnostic, ...] = ()
    _places: Mapping[Address, Place] = field(default_factory=dict, repr=False)
    transitions: Transitions = field(default_factory=Transitions)
    settled: Settled = NOTHING
    aside: frozenset[Address] = frozenset()
    digests: Mapping[Address, str] = field(default_factory=dict, repr=False)

    @property
    def sources(self) -> dict[Address, str]:
        """Address -> ``file:line`` of its document."""
        return {address: self.source(address) for address in self.resources}

    def source(self, address: Address) -> str:
        """``file:line`` of the document that declares *address*; costs nothing.

        Raises:
            KeyError: no document declares it.
        """
        place = self._places[address]
        return f"{place.file.file}:{place.line}"

    def written(self, address: Address, pointer: str) -> Written:
        """Where the value at *pointer* of the document of *address* is written, as the project was read.

        Raises:
            KeyError: no document declares it.
        """
        place, at = self._places[address].written(pointer)
        is_overlay = place is not self._places[address]
        document = 0 if is_overlay else self.resources[address].origin.document
        return Written(place.file.file, document, at, place.file.data, is_overlay)

    def overlaid(self, address: Address) -> dict[str, Position]:
        """Pointer of each value of the document of *address* that the environment says otherwise -> where it says so."""
        place = self._places[address]
        return {path: place.position(path) for path in sorted(place.overlaid.paths)} if place.overlaid else {}

    def locate(self, address: Address, pointer: str = "") -> Position:
        """Where the value at *pointer* of the document of *address* stands, or the nearest place above it.

        Raises:
            KeyError: no document declares it.
        """
        return self._places[address].position(pointer)

    def frame(self, address: Address, position: Position) -> str:
        """The line at *position* of the document of *address*, for a message; never one that may hold a secret.

        Raises:
            KeyError: no document declares it.
        """
        return self._places[address].frame(position)

    def config_digest(self, fingerprint: Fingerprint) -> str:
        """``sha256:…`` over all that is declared, wherever it is written; secrets count by *fingerprint*."""
        declared = config_digest(self.resources, self.environment, fingerprint)
        told = self.transitions
        if not told:
            return declared
        moved = {str(source): str(target) for source, target in told.moved.items()}
        imports = {str(address): remote_id for address, remote_id in told.imports.items()}
        removed = {str(address): rule.value for address, rule in told.removed.items()}
        return digest([declared, imports, moved, removed])
