"""One digest over everything that is declared: free of file layout and order, secrets by fingerprint."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from typing import Any, TypeAlias

from pydantic import BaseModel

from reconciler.manifest.needs import needed_besides
from reconciler.manifest.pointers import pointer
from reconciler.manifest.secrets import SecretReference
from reconciler.manifest.shapes import holds_secrets, models_in, slots
from reconciler.model.address import Address
from reconciler.model.environment import EnvironmentSpec
from reconciler.model.json import canonical
from reconciler.model.resource import Resource
from reconciler.model.secret import Secret
from reconciler.model.spec import Lifecycle

Fingerprint: TypeAlias = Callable[[Secret, str], str]
"""Secret and where it stands -> its keyed fingerprint."""


_BESIDE_THE_POINT = frozenset({"state", "health", "ingests_within", "history", "notifications"})
"""Of an environment: where its past is kept, and what is told, and to whom. None of it changes what a plan does."""


def config_digest(resources: Mapping[Address, Resource], environment: EnvironmentSpec, fingerprint: Fingerprint) -> str:
    """``sha256:…`` over specs and lifecycles by address, and the environment.

    Paths of text files are left out, for their text is in. A secret that was not resolved counts by its reference.
    """
    # Resource by resource: all of ten thousand at once would be the largest thing in memory.
    plain = _plain(environment, "environment", fingerprint)
    running = hashlib.sha256(canonical({name: plain[name] for name in plain.keys() - _BESIDE_THE_POINT}))
    for address in sorted(resources):
        resource = resources[address]
        spec = _plain(resource.spec, f"{address}/spec", fingerprint)
        running.update(canonical([address.kind, address.name, spec, _lifecycle(resource.lifecycle)]))
        if further := needed_besides(resource):
            running.update(canonical([str(need) for need in further]))
    return "sha256:" + running.hexdigest()


@lru_cache(maxsize=64)
def _lifecycle(lifecycle: Lifecycle) -> dict[str, Any]:
    """As plain values; nearly all resources have the same."""
    return lifecycle.model_dump()


def _plain(model: BaseModel, path: str, fingerprint: Fingerprint) -> Any:
    if not holds_secrets(type(model)):
        return model.model_dump(by_alias=True, exclude=_file_paths(type(model)))
    return {
        key: _fingerprinted(getattr(model, name), path + pointer(key), fingerprint) for key, name in _names(type(model))
    }


def _names(model: type[BaseModel]) -> list[tuple[str, str]]:
    """Key in a manifest and attribute of each field."""
    return [(field.alias or name, name) for name, field in model.model_fields.items()]


def _fingerprinted(value: Any, path: str, fingerprint: Fingerprint) -> Any:
    if isinstance(value, SecretReference):
        return {"reference": value.reference} | ({"version": value.version} if value.version else {})
    if isinstance(value, Secret):
        return fingerprint(value, path)
    if isinstance(value, BaseModel):
        return _plain(value, path, fingerprint)
    if isinstance(value, dict):
        return {key: _fingerprinted(inner, path + pointer(key), fingerprint) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_fingerprinted(inner, f"{path}/{index}", fingerprint) for index, inner in enumerate(value)]
    return value


@cache
def _file_paths(model: type[BaseModel]) -> dict[str, Any] | None:
    """What pydantic's `exclude` needs to leave out the paths of text files; None when there are none."""
    excluded: dict[str, Any] = {}
    for slot in slots(model):
        if slot.file_text is not None:
            excluded[slot.attribute] = True
            continue
        for inner in models_in(model.model_fields[slot.attribute].annotation):
            if (below := _file_paths(inner)) is not None:
                excluded[slot.attribute] = below
    return excluded or None
