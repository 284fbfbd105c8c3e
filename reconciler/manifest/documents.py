"""Manifest documents as models: one per kind, so that one validation checks envelope and spec together."""

from __future__ import annotations

from functools import cache
from typing import Any, Literal, Protocol, cast

from pydantic import BaseModel, Field, create_model

from reconciler.manifest.shapes import holds_secrets
from reconciler.model.kinds import KINDS
from reconciler.model.spec import API_VERSION, Lifecycle, Metadata, NeededAddress, Spec

ENVELOPE = ("apiVersion", "kind", "metadata", "spec", "dependsOn", "lifecycle")


class ManifestDocument(Protocol):
    """What a validated document of any kind has."""

    metadata: Metadata
    spec: Spec
    dependsOn: tuple[str, ...]  # noqa: N815 - the field's standard spelling in manifests
    lifecycle: Lifecycle


@cache
def document_model(kind: str) -> type[BaseModel]:
    """The model of whole documents of *kind*, such as ``Audience``.

    Raises:
        KeyError: there is no such kind.
    """
    fields: dict[str, Any] = {
        "apiVersion": (Literal[API_VERSION], Field(description="Version of the format.")),
        "kind": (Literal[kind], Field(description="What the document declares.")),
        "metadata": (Metadata, Field(description="Name and labels.")),
        "spec": (KINDS[kind], Field(description=f"What the {kind} should be.")),
        "dependsOn": (
            tuple[NeededAddress, ...],
            Field(default=(), description="Addresses of documents that are applied before this one, and go after it."),
        ),
        "lifecycle": (Lifecycle, Field(default=Lifecycle(), description="How tdr may treat the object.")),
    }
    return create_model(kind, __base__=Spec, __doc__=f"A document that declares one {kind}.", **fields)


def validate(kind: str, tree: object) -> ManifestDocument:
    """The document that *tree*, with its references replaced, declares.

    Raises:
        pydantic.ValidationError: it says something it may not.
    """
    return cast("ManifestDocument", document_model(kind).model_validate(tree))


@cache
def is_secretive(kind: str) -> bool:
    """Whether documents of *kind* hold secrets, so that their lines are not to be shown."""
    return kind in KINDS and holds_secrets(KINDS[kind])
