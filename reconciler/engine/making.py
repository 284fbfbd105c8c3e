"""What a record was made of: told apart from how this tdr says it to a vendor, so that a new release is no edit of a manifest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from pydantic import BaseModel

from reconciler.model.address import Address
from reconciler.model.json import digest
from reconciler.model.resource import Resource
from reconciler.model.secret import MASK, Secret


class Ids(Protocol):
    """Address -> the vendor's id, or "" of what has none yet."""

    def __call__(self, address: Address) -> str:
        """The id of *address*."""
        ...


def made_of(resource: Resource, resources: Mapping[Address, Resource], id_of: Ids) -> str:
    """``sha256:…`` over what people wrote for *resource* and for all that it names, and over the ids of those.

    Only what is written counts, for a default of a model may be another one in another release. Secrets are left out: they
    are compared by fingerprints of their own.
    """
    named: dict[Address, Resource] = {}
    fresh = [resource]
    while fresh:
        for need in fresh.pop().depends_on:
            if need in resources and need not in named:
                named[need] = resources[need]
                fresh.append(resources[need])
    return digest(
        [
            _written(resource.spec),
            [[str(address), id_of(address), _written(one.spec)] for address, one in sorted(named.items())],
        ]
    )


def _written(value: Any) -> Any:
    match value:
        case Secret():
            return MASK
        case BaseModel():
            return {name: _written(getattr(value, name)) for name in sorted(value.model_fields_set)}
        case Mapping():
            return {str(key): _written(below) for key, below in value.items()}
        case list() | tuple():
            return [_written(below) for below in value]
        case _:
            return value
