"""Where in a manifest a field stands that a vendor tells: the way back from an attribute to the text a person wrote."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, cast

from reconciler.commands.restoring import declaration
from reconciler.engine.world import World
from reconciler.errors import TdrError
from reconciler.manifest.differing import Verb, next_step
from reconciler.manifest.differing import after as after_step
from reconciler.manifest.patching import ABSENT, Absent
from reconciler.manifest.pointers import parts, pointer
from reconciler.model.address import Address
from reconciler.model.json import Json
from reconciler.model.kinds import ActivationSpec, QuerySpec
from reconciler.model.queries import SqlSource
from reconciler.model.record import State
from reconciler.model.resource import Resource
from reconciler.model.row_activations import FileActivationSpec, ObjectActivationSpec
from reconciler.model.timing import Pausable
from reconciler.ports.listing import Declaration, DeclaredTree, SecretPlace


@dataclass(frozen=True, slots=True)
class Spot:
    """A place of the manifests.

    pointer: in the document of *address*. file: of the project, when the value is the text of a file of its own.
    """

    address: Address
    pointer: str
    file: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """A value and where it is written.

    pointer: in the document of *address*. file: of the project, when the value is the text of a file of its own.
    """

    address: Address
    pointer: str
    value: Json | Absent
    file: str = ""


_QUERY: Final = {"name": "name", "priority": "priority", "retry_limit": "retry_limit"}
_SOURCE: Final = ("database", "engine", "engine_version", "sql")
_FIELDS: Final[Mapping[str, Mapping[str, str]]] = {
    "audience": {"/title": "title", "/description": "description"},
    "query": {f"/{name}": name for name in (*_QUERY, *_SOURCE)},
    "activation": {f"/{name}": name for name in _QUERY} | {f"/{name}": f"from/query/{name}" for name in _SOURCE},
    "import": {
        "/name": "name",
        "/database": "to/database",
        "/table": "to/table",
        "/file": "to/file",
        "/mode": "to/mode",
        "/key": "to/key",
        "/time_column": "to/time_column",
        "/source/paths": "from/paths",
        "/source/format": "from/format",
    },
    "table": {f"/{name}": name for name in ("name", "columns", "expire_days", "description")},
}
"""Kind -> pointer of an attribute -> where it stands below `spec`."""

_TIMING: Final = frozenset({"/cron", "/timezone", "/delay"})
_ENABLED: Final = "/spec/enabled"
_EXPORT: Final = "/export/"
_INVALID: Final = "ignore_invalid_records"


def written_at(resource: Resource, path: str) -> Spot | None:
    """Where the attribute at *path* is written for *resource*, shared or not; None when no table names it."""
    address, spec = resource.address, resource.spec
    if path in _TIMING:
        schedule = spec.schedule if isinstance(spec, Pausable) else None
        if path == "/cron" and isinstance(spec, Pausable) and not spec.enabled:
            return Spot(address, _ENABLED)
        return (
            Spot(Address("schedule", schedule), f"/spec{path}")
            if isinstance(schedule, str)
            else (Spot(address, f"/spec/schedule{path}"))
        )
    if path.startswith(_EXPORT) and isinstance(spec, ActivationSpec):
        pointer = _delivered(spec, path.removeprefix(_EXPORT))
        return Spot(address, pointer) if pointer else None
    below = _FIELDS.get(address.kind, {}).get(path)
    if below is None:
        return None
    source = _source_of(resource)
    if path == "/sql" and source is not None and source.file is not None:
        return Spot(address, "", source.file)
    return Spot(address, f"/spec/{below}")


def place_of(world: World, state: State, resource: Resource, path: str, found: Json) -> Place:
    """Where the attribute at *path*, *found* at the vendor, is written for *resource*.

    Raises:
        TdrError: no manifest says it, or it is shared with others; the message says what to do instead.
    """
    resources = world.resources
    spot = written_at(resource, path)
    if spot is None or (path == f"{_EXPORT}{_INVALID}" and not isinstance(found, bool)):
        if path.startswith(_EXPORT) and isinstance(resource.spec, ActivationSpec):
            raise _nowhere(resource.address, path)
        return _declared(world, state, resource, path, found)
    if spot.pointer == _ENABLED:
        return Place(spot.address, _ENABLED, ABSENT)  # what else its schedule is now, the next look tells
    if path == "/cron" and not found and isinstance(resource.spec, Pausable) and resource.spec.schedule is not None:
        return Place(resource.address, _ENABLED, value=False)  # somebody paused it: what is declared stays for later
    if path in _TIMING:
        _refuse_shared_timing(resource, path, spot, resources)
        return Place(spot.address, spot.pointer, found)
    if spot.file:
        _refuse_shared_file(spot.address, spot.file, resources)
    value = _written(resource, path, found, state)
    return Place(spot.address, spot.pointer, ABSENT if value is None else value, spot.file)


def _written(resource: Resource, path: str, found: Json, state: State) -> Json:
    """What a manifest writes for *found*."""
    if path == f"{_EXPORT}{_INVALID}":
        return "skip" if found else "fail"
    source = _source_of(resource)
    if path == "/sql" and source is not None:
        return _sql(source, found)
    return _READ[path](found, state) if path in _READ else found


def _nowhere(address: Address, path: str) -> TdrError:
    return TdrError(
        f"{address}: no field of a manifest says what {path} is",
        hint="bring it back with `tdr apply`, or have it ignored with `lifecycle: {ignore: …}`",
    )


def _declared(world: World, state: State, resource: Resource, path: str, found: Json) -> Place:
    """For what no table names: how the provider's own declaration changes when this one attribute does."""
    address = resource.address
    record = state.records.get(address)
    names = {(one.kind, known.remote_id): one.name for one, known in state.records.items()}
    if record is None:
        raise _nowhere(address, path)
    changed = replace(record, applied=_exchanged(record.applied, parts(path), found))
    before, after = (declaration(world, world.resources, names, address, one) for one in (record, changed))
    if not isinstance(before, Declaration) or not isinstance(after, Declaration):
        raise _nowhere(address, path)
    one, other = _plain(before.spec), _plain(after.spec)
    step = next_step(one, other)
    if step is None or next_step(after_step(one, step), other) is not None:
        raise _nowhere(address, path)
    return Place(address, pointer("spec", *step.path), ABSENT if step.verb is Verb.REMOVE else step.value)


def _exchanged(tree: Mapping[str, Json], path: Sequence[str], value: Json) -> dict[str, Json]:
    name, below = path[0], path[1:]
    inner = tree.get(name)
    return {**tree, name: _exchanged(inner if isinstance(inner, Mapping) else {}, below, value) if below else value}


def _plain(tree: DeclaredTree) -> Json:
    """*tree* without what nobody can read."""
    return {
        name: _plain(value) if isinstance(value, Mapping) else cast("Json", value)
        for name, value in tree.items()
        if not isinstance(value, SecretPlace)
    }


def _source_of(resource: Resource) -> SqlSource | None:
    match resource.spec:
        case ActivationSpec() | ObjectActivationSpec() | FileActivationSpec() as activation:
            return activation.sql
        case QuerySpec() as query:
            return query
        case _:
            return None


def sql_in(resource: Resource) -> str | None:
    """The SQL that is written for *resource*, line ends as LF; None when it has none."""
    source = _source_of(resource)
    return source.sql if source is not None else None


def _sql(source: SqlSource, found: Json) -> str:
    """The SQL *found*, with the blanks and the semicolon that stand around the one written, which nobody compares."""
    written = source.sql or ""
    bare = written.strip("; \t\r\n\f\v")
    before, _, behind = written.partition(bare) if bare else ("", "", "")
    return f"{before}{found or ''}{behind}"


def _refuse_shared_file(address: Address, file: str, resources: Mapping[Address, Resource]) -> None:
    others = sorted(other for other, resource in resources.items() if other != address and _file_of(resource) == file)
    if others:
        raise TdrError(
            f"{address}: its SQL is in {file}, which {others[0]} uses too",
            hint=f"edit {file}, or give it a copy of its own",
        )


def _file_of(resource: Resource) -> str | None:
    source = _source_of(resource)
    return source.file if source is not None else None


def _refuse_shared_timing(resource: Resource, path: str, spot: Spot, resources: Mapping[Address, Resource]) -> None:
    spec = resource.spec
    if spot.address != resource.address:
        users = sorted(other for other, one in resources.items() if spot.address in one.depends_on)
        if users != [resource.address]:
            raise TdrError(
                f"{resource.address}: its timing is {spot.address}, which {len(users)} resources share",
                hint=f"edit {spot.address}, or give {resource.address} a timing of its own",
            )
        return
    schedule = spec.schedule if isinstance(spec, Pausable) else None
    if schedule is None and path != "/cron":
        raise TdrError(f"{resource.address}: no schedule is declared", hint="accept its /cron first")


def _delivered(spec: ActivationSpec, name: str) -> str:
    """Pointer of the setting *name* of an export; "" when no field of a manifest says it."""
    if name == _INVALID:
        return "/spec/on_invalid"
    return f"/spec/delivery/{name}" if name in type(spec.delivery).model_fields else ""


def _named(kind: str, found: Json, state: State) -> Json:
    """The name of the document that declares the object called *found*, or that name itself."""
    for address, record in sorted(state.records.items()):
        if address.kind == kind and record.remote_id.rpartition(".")[2] == found:
            return address.name
    return found


def _columns(found: Json, _: State) -> Json:
    if not isinstance(found, Sequence) or isinstance(found, str):
        return found
    names = ("name", "type", "alias")
    return [dict(zip(names, column, strict=False)) for column in found if isinstance(column, Sequence)]


_READ: Final[Mapping[str, Callable[[Json, State], Json]]] = {
    "/database": lambda found, state: _named("database", found, state),
    "/table": lambda found, state: _named("table", found, state),
    "/columns": _columns,
}
