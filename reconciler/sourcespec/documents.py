"""What a SourceSpec document declares: the `sourceSpec`, and the authentications beside it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from reconciler.model.json import Json
from reconciler.model.sourcespecs import SourceDefinition
from reconciler.sourcespec.findings import Refused
from reconciler.sourcespec.reading import read_json
from reconciler.sourcespec.yaml_reading import read_yaml

_OURS: Final = "x-tdr"
_NAMES: Final = re.compile(r"\$\{([^{}$]+)\}|\{([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass(frozen=True, slots=True)
class Declared:
    """A specification as it is declared.

    source: the `sourceSpec`, with our members in `x-tdr`. authentications: entries of `authSpec`; none where the text is a
    `sourceSpec` alone. root: what stands before the places of findings, in the text.
    """

    source: Mapping[str, Json]
    authentications: tuple[Mapping[str, Json], ...]
    root: str

    def authentication(self, name: str) -> Mapping[str, Json] | None:
        """The entry that *name* means, by its name or type; case and blanks do not count."""
        wanted = _squeezed(name)
        for entry in self.authentications:
            if wanted in {_squeezed(entry.get("name")), _squeezed(entry.get("type"))}:
                return entry
        return None

    def parameters(self) -> frozenset[str]:
        """Names that authentications declare. Without any, every name that is used: a connection may have it."""
        if not self.authentications:
            return frozenset(
                name for text in _texts(self.source) for pair in _NAMES.findall(text) for name in pair if name
            )
        return frozenset(name for entry in self.authentications for name in parameters(entry))


def parameters(authentication: Mapping[str, Json]) -> Mapping[str, Json]:
    """Name -> JSON Schema of the parameters of an entry of `authSpec`."""
    return _object(_object(authentication.get("spec")).get("properties"))


def required(authentication: Mapping[str, Json]) -> list[str]:
    """Parameters that an entry of `authSpec` cannot do without."""
    names = _object(authentication.get("spec")).get("required")
    return [str(name) for name in names] if isinstance(names, list | tuple) else []


def written(text: str) -> Mapping[str, Json]:
    """A specification as its author wrote it, in JSON or YAML.

    Raises:
        Refused: it is neither, or no object.
    """
    told = read_json(text) if text.lstrip("\ufeff \t\r\n").startswith(("{", "[", '"')) else read_yaml(text)
    if not isinstance(told, Mapping):
        raise Refused("text", "a specification is an object", "write the connection specification, or its `sourceSpec`")
    return told


def declared(spec: SourceDefinition) -> Declared:
    """What *spec* declares.

    Raises:
        Refused: its text is neither a connection specification nor a `sourceSpec`.
    """
    told = written(spec.definition or "")
    root = "sourceSpec" if "sourceSpec" in told else ""
    source = told["sourceSpec"] if root else told
    if not isinstance(source, Mapping) or not source.keys() & {"attributes", "spec"}:
        raise Refused(root or "text", "there is no `attributes` in it", "a `sourceSpec` has `attributes` and `spec`")
    authentications = told.get("authSpec") or [] if root else []
    if not isinstance(authentications, list | tuple) or not all(
        isinstance(entry, Mapping) for entry in authentications
    ):
        raise Refused("authSpec", "must be a list of objects")
    entries = tuple(entry for entry in authentications if isinstance(entry, Mapping))
    return Declared(_with_ours(source, _ours(spec)), entries, root)


def _ours(spec: SourceDefinition) -> dict[str, Json]:
    told: dict[str, Json | None] = {
        "key": list(spec.key) or None,
        "lookback": spec.lookback,
        "maxWindow": spec.max_window,
        "outer": spec.outer or None,
        "totalPath": spec.total_path,
        "keepLevel": spec.keep_level.value if spec.keep_level else None,
    }
    return {name: value for name, value in told.items() if value is not None}


def _with_ours(source: Mapping[str, Json], ours: Mapping[str, Json]) -> Mapping[str, Json]:
    inside = source.get(_OURS)
    if not ours or not isinstance(inside, Mapping | None):
        return source
    if twice := sorted(ours.keys() & (inside or {}).keys()):
        raise Refused(f"{_OURS}.{twice[0]}", "the document that names this specification says it, too", "keep one")
    return {**source, _OURS: {**(inside or {}), **ours}}


def _squeezed(name: object) -> str:
    return re.sub(r"[\s_-]+", "", str(name or "")).lower()


def _texts(value: Json) -> list[str]:
    match value:
        case str():
            return [value]
        case Mapping():
            return [text for inner in value.values() for text in _texts(inner)]
        case list() | tuple():
            return [text for inner in value for text in _texts(inner)]
        case _:
            return []


def _object(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, Mapping) else {}
