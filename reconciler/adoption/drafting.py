"""From what is there to documents that declare exactly that. What cannot be declared is told with its reason."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from typing import Any, cast

from pydantic import TypeAdapter, ValidationError

from reconciler.adoption.naming import document_name, secret_name
from reconciler.engine.diff import Rules, differences
from reconciler.engine.resolve import steady_after
from reconciler.engine.world import World
from reconciler.errors import ProviderError
from reconciler.model.activation import Resolution
from reconciler.model.address import Address
from reconciler.model.change import FieldChange
from reconciler.model.json import Json
from reconciler.model.kinds import KINDS, ActivationSpec
from reconciler.model.resource import Origin, Resource
from reconciler.model.secret import Secret
from reconciler.model.spec import Lifecycle, Spec
from reconciler.ports.listing import Built, Declaration, Directory, Found, Lists, SecretPlace, Unlisted
from reconciler.ports.provider import Context

ORDER = (
    *("connection", "database", "table", "audience", "query", "import"),
    *("parentsegment", "segmentfolder", "segment", "activation", "workflow"),
    *("qlikconnection", "qliktask"),
    *("sourceregistration", "sourceaccount", "dataflow"),
)
"""What is referred to comes before what refers to it."""
_SPELLED = {kind.lower(): kind for kind in KINDS}


@dataclass(frozen=True, slots=True)
class Selection:
    """What is to be taken over. *kind* "" is every kind; *name_glob* is matched with what an object is called there."""

    kind: str = ""
    name_glob: str = "*"
    remote_id: str = ""
    name: str = ""
    """The document's name, for a single object."""

    def takes(self, found: Found) -> bool:
        """Whether *found* is wanted."""
        return (
            self.kind in {"", found.kind}
            and self.remote_id in {"", found.remote_id}
            and fnmatchcase(found.label.casefold(), self.name_glob.casefold())
        )

    def takes_built(self, built: Built) -> bool:
        """Whether *built* would be wanted if it were declared."""
        return (
            self.kind in {"", built.kind}
            and self.remote_id in {"", built.label}
            and fnmatchcase(built.label.casefold(), self.name_glob.casefold())
        )


@dataclass(frozen=True, slots=True)
class Draft:
    """One document that is not written yet. *tree* is its `spec` as it will be written, *secrets* variables to set."""

    address: Address
    remote_id: str
    label: str
    tree: Mapping[str, Any]
    resource: Resource
    secrets: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """As in `kind:`."""
        return _SPELLED[self.address.kind]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An object that no document is made for, and why."""

    kind: str
    remote_id: str
    label: str
    why: str


@dataclass(frozen=True, slots=True)
class Drafts:
    """All that a listing came to."""

    drafts: tuple[Draft, ...]
    left_out: tuple[LeftOut, ...] = ()
    unlisted: tuple[Unlisted, ...] = ()
    built: tuple[Built, ...] = ()


@dataclass
class _Desk:
    """What is known while drafts are made, one after the other."""

    world: World
    is_free: Callable[[Address], bool]
    ids: dict[Address, str]
    resources: dict[Address, Resource]
    names: dict[tuple[str, str], str] = field(init=False)
    specs: dict[Address, Spec] = field(init=False)
    directory: Directory = field(init=False)
    drafts: list[Draft] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)

    def __post_init__(self) -> None:
        # What is drafted is added to these, so that they are not copied for each of ten thousand drafts.
        self.names = {(address.kind, remote_id): address.name for address, remote_id in self.ids.items()}
        self.specs = {address: resource.spec for address, resource in self.resources.items()}
        verbs = self.world.traits(Address("audience", "any")).verbs
        self.directory = Directory(self.names, self.specs, verbs)

    def keep(self, draft: Draft) -> None:
        """Let those that come after refer to it."""
        address = draft.address
        self.drafts.append(draft)
        self.ids[address] = draft.remote_id
        self.names[address.kind, draft.remote_id] = address.name
        self.specs[address] = draft.resource.spec
        self.resources[address] = draft.resource


def listed(world: World) -> Iterator[Found | Unlisted | Built]:
    """Everything that providers hold, each provider asked once."""
    for provider in {id(provider): provider for provider in world.providers.values()}.values():
        if isinstance(provider, Lists):
            yield from provider.listing()


def draft(
    world: World,
    found: Iterable[Found | Unlisted | Built],
    known: Mapping[tuple[str, str], Address],
    selection: Selection,
    is_free: Callable[[Address], bool],
) -> Drafts:
    """Documents for what *selection* takes of *found* and no document declares.

    known: kind and vendor's id -> address, of everything that is declared or remembered already.
    is_free: whether nothing is written yet where the document of an address would be.
    """
    told = list(found)
    # What state remembers and no document declares any more cannot be referred to, and is not declared anew either.
    ids = {address: remote_id for (_, remote_id), address in known.items() if address in world.resources}
    desk = _Desk(world, is_free, ids, dict(world.resources))
    objects = [one for one in told if isinstance(one, Found) and one.kind in ORDER and selection.takes(one)]
    for one in sorted(objects, key=lambda one: (ORDER.index(one.kind), one.depth, one.remote_id)):
        if (one.kind, one.remote_id) not in known:
            _one(desk, one, selection)
    unlisted = tuple(one for one in told if isinstance(one, Unlisted))
    built = tuple(one for one in told if isinstance(one, Built) and selection.takes_built(one))
    return Drafts(tuple(desk.drafts), tuple(desk.left_out), unlisted, built)


def _one(desk: _Desk, found: Found, selection: Selection) -> None:
    def is_free(name: str) -> bool:
        address = Address(found.kind, name)
        return address not in desk.resources and desk.is_free(address)

    name = selection.name or document_name(found.kind, found.label, found.remote_id, is_free)
    made = _drafted(desk, found, Address(found.kind, name))
    if isinstance(made, str):
        desk.left_out.append(LeftOut(found.kind, found.remote_id, found.label, made))
        return
    desk.keep(made)


def _drafted(desk: _Desk, found: Found, address: Address) -> Draft | str:
    """The draft, or why there is none."""
    provider = desk.world.providers[found.kind]
    declared = cast("Lists", provider).declare(found, address.name, desk.directory)
    if not isinstance(declared, Declaration):
        return declared.why
    secrets: list[str] = []
    tree = _referenced(declared.spec, address.name, secrets)
    try:
        resource = resource_of(address, tree)
    except ValidationError as error:
        first = error.errors()[0]
        return f"`{'.'.join(map(str, first['loc']))}` {first['msg']}"
    known = ChainMap({address: resource}, desk.resources)
    context = Context(known, desk.ids, _resolution(desk, resource.spec))
    try:
        problems = [problem.message for problem in provider.check(resource, context) if problem.is_error]
        desired = provider.desired(resource, context)
    except ProviderError as error:
        return error.message
    if problems:
        return problems[0]
    rules = Rules(desk.world.traits(address), lambda *_: "")
    off = [one for one in differences(desired.attributes, found.observation.attributes, None, rules) if not one.secret]
    if off:
        return "; ".join(map(difference, off))
    return Draft(address, found.remote_id, found.label, tree, resource, tuple(secrets), declared.notes)


def resource_of(address: Address, tree: Mapping[str, Any]) -> Resource:
    """What the loader would make of a document with *tree* as its `spec`.

    Raises:
        ValidationError: it would be refused.
    """
    spec: Spec = _adapter(address.kind).validate_python(_resolved(tree))
    return Resource(address, spec, Lifecycle(), Origin("", 0))


@cache
def _adapter(kind: str) -> TypeAdapter[Any]:
    return TypeAdapter(cast("Any", KINDS[_SPELLED[kind]]))


def difference(change: FieldChange) -> str:
    """A field that a document cannot say as it is."""
    return f"{change.path} is {change.before!r}, and would become {change.after!r}"


def _resolution(desk: _Desk, spec: Spec) -> Resolution | None:
    """What the resolver will decide for an activation once the audience is remembered."""
    if not isinstance(spec, ActivationSpec):
        return None
    verbs = desk.world.traits(Address("audience", spec.to.audience)).verbs
    audience_id = desk.ids.get(Address("audience", spec.to.audience))
    return steady_after(spec.membership, audience_id, verbs) if verbs and audience_id else None


@dataclass(frozen=True, slots=True)
class Reference:
    """A secret as it is written: ``${secret:env:NAME}``."""

    name: str


def _referenced(tree: Mapping[str, Any], document: str, secrets: list[str]) -> dict[str, Any]:
    """*tree* with a reference for each secret; their names are added to *secrets*."""
    referenced: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, SecretPlace):
            name = secret_name(document, key)
            secrets.append(name)
            referenced[key] = Reference(name)
        else:
            referenced[key] = _referenced(value, document, secrets) if isinstance(value, Mapping) else value
    return referenced


def _resolved(tree: Mapping[str, Any]) -> dict[str, Any]:
    """*tree* as the loader hands it over, with a secret that nobody knows for each reference."""
    return {
        key: Secret(f"env:{value.name}", "")
        if isinstance(value, Reference)
        else _resolved(value)
        if isinstance(value, Mapping)
        else _plain(value)
        for key, value in tree.items()
    }


def _plain(value: Json) -> Any:
    """Scalars as the loader hands them over: text."""
    if isinstance(value, list | tuple):
        return [_resolved(one) if isinstance(one, Mapping) else _plain(one) for one in value]
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value
