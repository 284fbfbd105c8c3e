"""From a workflow project to what a document says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.ports.listing import Declaration
from reconciler.providers.treasure_data import workflow_files
from reconciler.providers.treasure_data.references import CannotSay, Tree, name_beside


def workflow(attributes: Mapping[str, Any], name: str) -> Declaration:
    """A project by its files.

    Raises:
        CannotSay: one of them is no text.
    """
    others = workflow_files.without_text(attributes["files"])
    if others:
        raise CannotSay(f"it has files that are no text: {', '.join(others)}")
    hidden = [path for path in attributes["files"] if any(part.startswith(".") for part in path.split("/"))]
    if hidden:
        raise CannotSay(
            f"it has files that a folder's are not read with, for their names begin with a dot: {', '.join(hidden)}"
        )
    spec: Tree = {**name_beside(attributes, name), "files": dict(attributes["files"])}
    if attributes.get("enabled") is False:
        spec["enabled"] = False
    # A record of a document that says nothing of secrets or schedules has neither.
    keys = attributes.get("secret_keys") or []
    told = f"workflow/{name}: the values of its secrets cannot be read, so they stay as they are: {', '.join(keys)}"
    return Declaration(spec, (told,) if keys else ())
