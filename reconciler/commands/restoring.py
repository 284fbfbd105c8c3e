"""Resources as they were when last applied, made from what state remembered: the way back without a manifest."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from pydantic import TypeAdapter, ValidationError

from reconciler.engine.diff import Rules, differences
from reconciler.engine.world import World
from reconciler.errors import TdrError
from reconciler.manifest.references import Names
from reconciler.manifest.shapes import names_in
from reconciler.model.address import Address
from reconciler.model.json import Json
from reconciler.model.kinds import KINDS
from reconciler.model.observation import Observation
from reconciler.model.record import Record
from reconciler.model.resource import Origin, Reference, Resource
from reconciler.model.spec import Adopt, Lifecycle, Spec
from reconciler.ports.listing import Declaration, Directory, Found, Lists, SecretPlace, Undeclarable
from reconciler.ports.provider import Context

_SPELLED = {kind.lower(): kind for kind in KINDS}


def declaration(
    world: World,
    resources: Mapping[Address, Resource],
    names: Mapping[tuple[str, str], str],
    address: Address,
    record: Record,
) -> Declaration | Undeclarable:
    """What a document says that *record* was made of. *names*: kind and vendor's id -> name of the document."""
    provider: object = world.provider(address)
    if not isinstance(provider, Lists):
        return Undeclarable("its vendor cannot say what it was made of")
    known = {**world.traits(address).defaults, **record.applied}
    observation = Observation(record.remote_id, _Partial(known))
    through = next((need for need in record.depends_on if need.kind == "connection"), None)
    specs = {one: resource.spec for one, resource in resources.items()}
    directory = Directory(names, specs, world.traits(Address("audience", "any")).verbs)
    return provider.declare(Found(address.kind, address.name, observation, through), address.name, directory)


class _Partial(dict[str, Json]):
    """Attributes of which some are not known; those are read as empty, which a declaration leaves out."""

    def __missing__(self, name: str) -> Json:
        return ""


@dataclass
class Restorer:
    """Makes resources one after the other, in the `ORDER` of drafts; each may refer to those made before.

    resources: what is declared, with what was made in place of it.
    names: kind and vendor's id -> name of the document, of all that is or was remembered.
    """

    world: World
    resources: dict[Address, Resource]
    names: dict[tuple[str, str], str] = field(default_factory=dict)

    def restore(self, address: Address, record: Record, *, take_over: bool) -> Resource:
        """The resource that *record* was made of. *take_over*: whether its object is there and is to be ours again.

        Raises:
            TdrError: no document can say it, or it needs secrets that only a manifest names.
        """
        declared = self.world.resources.get(address)
        spec = self._spec(address, record, declared)
        lifecycle = declared.lifecycle if declared else Lifecycle(protect=record.protect, on_delete=record.on_delete)
        if take_over:
            lifecycle = lifecycle.model_copy(update={"adopt": Adopt.ALWAYS})
        known = Names([*self.resources, address])
        references = [
            Reference(named.path, target) for named in names_in(spec, "/spec") if (target := known.target(named))
        ]
        named_by_fields = {reference.target for reference in references}
        references += [  # what it waited for by `dependsOn`, which may only be made after it
            Reference(f"/dependsOn/{index}", need)
            for index, need in enumerate(record.depends_on)
            if need not in named_by_fields
        ]
        origin = declared.origin if declared else Origin("", 0)
        made = Resource(address, spec, lifecycle, origin, tuple(sorted(references)))
        self.resources[address] = made
        self._prove(made, record)
        return made

    def _spec(self, address: Address, record: Record, declared: Resource | None) -> Spec:
        made = declaration(self.world, self.resources, self.names, address, record)
        if not isinstance(made, Declaration):
            raise _impossible(address, made.why)
        tree = _with_secrets(address, made.spec, declared)
        tree = _with_fingerprinted(address, tree, record, declared)
        if address.kind == "audience" and "identifier" in record.applied:
            tree["identifier"] = record.applied["identifier"]  # its vendor never tells, so no declaration says it
        try:
            return cast(
                "Spec", TypeAdapter[Any](cast("Any", KINDS[_SPELLED[address.kind]])).validate_python(_plain(tree))
            )
        except ValidationError as error:
            first = error.errors()[0]
            raise _impossible(address, f"`{'.'.join(map(str, first['loc']))}` {first['msg']}") from error

    def _prove(self, made: Resource, record: Record) -> None:
        """Make sure that *made* says what was applied, exports aside: how those go is decided by the plan."""
        ids = {Address(kind, name): remote_id for (kind, remote_id), name in self.names.items()}
        context = Context(resources=self.resources, remote_ids=ids)
        desired = self.world.providers[made.address.kind].desired(made, context).attributes
        told = {**self.world.traits(made.address).defaults, **cast("dict[str, Json]", desired)}
        rules = Rules(self.world.traits(made.address), lambda *_: "", ("/export",))
        off = [one for one in differences(record.applied, told, None, rules) if not one.secret]
        if off:
            raise _impossible(made.address, f"{off[0].path} was {off[0].after!r}, which no manifest can say")


def _impossible(address: Address, why: str) -> TdrError:
    return TdrError(f"{address} cannot be put back: {why}", hint="go back to the commit before that run, and apply it")


def _with_secrets(address: Address, spec: Mapping[str, Any], declared: Resource | None) -> dict[str, Any]:
    """*spec* with the secrets that the manifest of *declared* names."""
    tree = dict(spec)
    for name, value in spec.items():
        if isinstance(value, SecretPlace):
            secret = getattr(declared.spec, name, None) if declared is not None else None
            if secret is None:
                raise _impossible(address, f"its secret `{name}` is kept nowhere")
            tree[name] = secret
    return tree


def _with_fingerprinted(
    address: Address, tree: Mapping[str, Any], record: Record, declared: Resource | None
) -> dict[str, Any]:
    """*tree* with the secrets that were applied and that its vendor does not tell of: left out, they would be taken away."""
    full = dict(tree)
    for pointer in sorted(record.fingerprints):
        field, _, name = pointer[1:].partition("/")
        kept = getattr(declared.spec, field, None) if declared is not None else None
        if not name:
            if field not in full and kept is not None:
                full[field] = kept
        elif isinstance(kept, Mapping) and name in kept:
            full[field] = {**full.get(field, {}), name: kept[name]}
        elif field in _fields_of(address) and name not in full.get(field, {}):
            raise _impossible(address, f"its secret `{field}.{name}` is kept nowhere")
    return full


def _fields_of(address: Address) -> Collection[str]:
    return getattr(KINDS[_SPELLED[address.kind]], "model_fields", {})


def _plain(value: Any) -> Any:
    """Scalars as the loader hands them over: text."""
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value
