"""Where in the manifests the fields of a plan are written, as its document tells it."""

from __future__ import annotations

from reconciler.model.address import Address
from reconciler.reports.changes import WrittenAt
from reconciler.wiring import Runtime


def field_places(runtime: Runtime) -> WrittenAt:
    """Attribute -> ``file:line:column``; of what a document leaves out, the place where it would stand."""

    def place(address: Address, path: str) -> str:
        from reconciler.commands.spec_fields import written_at  # noqa: PLC0415 - YAML, which a plan of no change never reads

        resource = runtime.world.resources.get(address)
        if resource is None:
            return ""
        spot = written_at(resource, path)
        try:
            if spot is None:
                return _of_the_same_name(runtime, address, path)
            return f"{spot.file}:1:1" if spot.file else str(runtime.loaded.locate(spot.address, spot.pointer))
        except KeyError:  # no document of these manifests declares it: a rollback brings back what none does
            return ""

    return place


def _of_the_same_name(runtime: Runtime, address: Address, path: str) -> str:
    """For what no table names: the key of the document that is called like the attribute, if it has one."""
    below = f"/spec{path}"
    found, above = runtime.loaded.locate(address, below), runtime.loaded.locate(address, below.rpartition("/")[0])
    return "" if found == above else str(found)
