"""What an environment may say otherwise than a document: parts of the document, laid over it."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from reconciler.model.spec import Spec


class OverlayMetadata(Spec):
    """Labels and annotations that this environment adds, changes or, with null, takes away."""

    labels: dict[str, Any] = Field(default_factory=dict)
    """Free labels, for selecting."""
    annotations: dict[str, Any] = Field(default_factory=dict)
    """Free notes for people and tools; never sent."""


class Overlay(Spec):
    """Parts of one document. Mappings are merged, null takes away, anything else is put in the place of what is there.

    Lists are replaced too, unless their entries have a key, such as the `name` of a column; those are merged by it. The
    merged document has to be valid, and is checked as any other.
    """

    metadata: OverlayMetadata = OverlayMetadata()
    """Labels and annotations; a name is the same everywhere."""
    spec: dict[str, Any] = Field(default_factory=dict)
    """Fields of its `spec`."""
    dependsOn: list[Any] | None = None  # noqa: N815 - the field's standard spelling in manifests
    """What it waits for here, in the place of what the document says."""
    lifecycle: dict[str, Any] = Field(default_factory=dict)
    """Fields of its `lifecycle`."""
