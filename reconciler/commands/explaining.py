"""`tdr explain ADDRESS`: why a resource is as it is in the plan. Looks only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from reconciler.commands.answer import FAILED, OK, Answer
from reconciler.commands.planning import checked
from reconciler.commands.spec_fields import place_of
from reconciler.engine.planning import Prepared, prepare
from reconciler.errors import TdrError
from reconciler.model.address import Address
from reconciler.model.change import Change, Undecided, fields_of
from reconciler.model.json import Json
from reconciler.model.observation import Finding, Unreadable
from reconciler.model.resource import Resource
from reconciler.model.secret import MASK, Secret
from reconciler.model.unknown import Unknown
from reconciler.ports.clock import rfc3339
from reconciler.ports.provider import FieldClass
from reconciler.reports import explaining as reports
from reconciler.reports.explaining import Field, Side
from reconciler.wiring import Runtime


def explain(runtime: Runtime, address: Address, path: str = "") -> Answer:
    """Declared, last applied and found, field by field, with what the plan makes of it.

    path: only the field at or below this pointer.

    Raises:
        TdrError: *address* is neither declared nor remembered, is nothing at a vendor, or has no such field.
    """
    checked(runtime)
    prepared = prepare(runtime.world, runtime.store.read())
    change = next((change for change in prepared.plan.changes if change.address == address), None)
    if change is None:
        raise _unknown(runtime, address)
    fields = [
        field for field in _fields(runtime, prepared, change) if not path or (field.path + "/").startswith(path + "/")
    ]
    if path and not fields:
        known = ", ".join(field.path for field in _fields(runtime, prepared, change)) or "none"
        raise TdrError(f"{address} has no field {path}", hint=f"fields: {known}")
    look = prepared.seen.get(address)
    document = reports.document(
        change,
        fields,
        gates=[gate for gate in prepared.plan.gates if address in gate.addresses],
        resolution=prepared.resolutions.get(address),
        record=prepared.state.records.get(address),
        found=look.by_id if isinstance(look, Finding) else None,
        candidates=[one.remote_id for one in look.by_key] if isinstance(look, Finding) else [],
        source=runtime.world.sources.get(address, ""),
        depends_on=prepared.plan.depends_on.get(address, ()),
        environment=runtime.environment_name,
        created_at=rfc3339(runtime.clock.now()),
    )
    return Answer(document, FAILED if isinstance(change, Undecided) else OK)


def _unknown(runtime: Runtime, address: Address) -> TdrError:
    resource = runtime.world.resources.get(address)
    if resource is None:
        return TdrError(f"{address} is neither in the manifests nor in the state", hint="see `tdr state list`")
    users = sorted(str(other) for other, one in runtime.world.resources.items() if address in one.depends_on)
    return TdrError(
        f"{address} is nothing by itself at any vendor",
        hint=f"explain what uses it: {', '.join(users)}" if users else "nothing uses it",
    )


def _fields(runtime: Runtime, prepared: Prepared, change: Change) -> list[Field]:
    """Every field that any side knows, sorted by path."""
    address = change.address
    world = runtime.world
    resource = world.resources.get(address)
    record = prepared.state.records.get(address)
    desired = prepared.desired.get(address)
    look = prepared.seen.get(address)
    found = look.by_id if isinstance(look, Finding) else None
    declared = _leaves(desired.attributes) if desired is not None else {}
    applied = _leaves(record.applied) if record is not None else {}
    remote = _leaves(found.attributes) if found is not None else {}
    differing = fields_of(change)
    ignored = world.ignored(resource) if resource is not None else ()
    classes = world.traits(address).classes
    secrets = set(record.fingerprints) if record is not None else set()
    return [
        Field(
            path=path,
            declared=_side(declared, path),
            applied=Side(MASK) if path in secrets and path not in applied else _side(applied, path),
            remote=Side(why=_why_untold(look)) if found is None else _side(remote, path),
            origin=differing[path].origin.value if path in differing else "",
            rule=_rule(path, classes.get(path), declared, secrets, ignored),
            source=_source(runtime, resource, path, prepared, declared[path]) if path in declared else "",
        )
        for path in sorted(declared.keys() | applied.keys() | remote.keys() | secrets)
    ]


def _leaves(tree: Mapping[str, object], at: str = "") -> dict[str, object]:
    leaves: dict[str, object] = {}
    for name, value in tree.items():
        if isinstance(value, Mapping):
            leaves |= _leaves(value, f"{at}/{name}")
        else:
            leaves[f"{at}/{name}"] = value
    return leaves


def _side(leaves: Mapping[str, object], path: str) -> Side:
    if path not in leaves:
        return Side(why="not declared here" if not leaves else "")
    value = leaves[path]
    if isinstance(value, Secret):
        return Side(MASK)
    return Side(str(value)) if isinstance(value, Unknown) else Side(_json(value))


def _json(value: object) -> Json:
    return list(value) if isinstance(value, tuple) else value  # type: ignore[return-value]


def _why_untold(look: object) -> str:
    return look.error.message if isinstance(look, Unreadable) else "not there"


def _rule(
    path: str,
    field_class: FieldClass | None,
    declared: Mapping[str, object],
    secrets: set[str],
    ignored: tuple[str, ...],
) -> str:
    """How the field is compared."""
    if any(path == pointer or path.startswith(pointer + "/") for pointer in ignored):
        return "ignored"
    if path in secrets or isinstance(declared.get(path), Secret):
        return "secret"
    if path not in declared:
        return "not_declared"
    return (field_class or FieldClass.INPUT).value


def _source(runtime: Runtime, resource: Resource | None, path: str, prepared: Prepared, declared: object) -> str:
    """``file:line:column`` of the value *declared* in the manifests; "" when no field of a manifest says it."""
    if resource is None:
        return ""
    try:
        place = place_of(runtime.world, prepared.state, resource, path, cast("Json", declared))
    except TdrError:
        return ""
    if place.file:
        return place.file
    return str(runtime.loaded.locate(place.address, place.pointer))
