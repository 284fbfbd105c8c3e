"""Where rows of a workflow's query go: an Activation for audiences, an `export` of the Query for everything else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from reconciler.adoption.drafting import Reference
from reconciler.adoption.naming import secret_name
from reconciler.commands.dig_desk import Desk, Keys, LeftAlone, filled, holds_secret, is_secret
from reconciler.model.activation import AudienceVerbs
from reconciler.model.address import Address
from reconciler.model.connections import PinterestConnection
from reconciler.model.kinds import AudienceSpec, Delivery, Identifier
from reconciler.model.queries import Engine
from reconciler.policy.columns import columns_of

TARGETS: Final = ("result_connection", "result_settings", "result_url")
_CREDENTIALS: Final = ("client_id", "client_secret", "refresh_token")
_FLAGS: Final = ("ignore_invalid_records", "ignore_error")
"""Treasure Data's page of the Pinterest export writes the first in its example and the second in its table."""
_OF_EXPORT: Final = {"type", "ad_account_id", "audience_type", "action", "base_url", *_CREDENTIALS, *_FLAGS}


@dataclass(frozen=True, slots=True)
class Target:
    """Where rows go, as a task says it at *at*."""

    options: Mapping[str, Any]
    at: Keys = ()

    def __bool__(self) -> bool:
        """Whether they go anywhere."""
        return any(name in self.options for name in TARGETS)

    @property
    def name(self) -> str:
        """The connection's name, or "" when none is named."""
        return str(self.options.get("result_connection") or "")

    @property
    def settings(self) -> Mapping[str, Any]:
        """Raises LeftAlone: they are no mapping of settings."""
        told = self.options.get("result_settings", {})
        if not isinstance(told, Mapping):
            raise LeftAlone("these are no settings that can be read before the task runs", *self.at, "result_settings")
        return told

    def keys(self, *names: str) -> Keys:
        """The way to a setting."""
        return (*self.at, "result_settings", *names)


def is_for_audience(desk: Desk, target: Target) -> bool:
    """Whether rows are to reach an audience at Pinterest, which is an Activation's."""
    settings = target.settings
    declared = _declared(desk, target.name)
    return (
        settings.get("type") == "pinterest" or "audience_type" in settings or isinstance(declared, PinterestConnection)
    )


def exported(desk: Desk, target: Target, known: Mapping[str, Any]) -> dict[str, Any]:
    """The `export` of a Query.

    Raises:
        LeftAlone: no Query can say it.
    """
    url, settings = target.options.get("result_url"), target.settings
    if url is not None:
        if target.name or settings:
            raise LeftAlone("it names an address and a connection; keep one of them", *target.at, "result_url")
        return {"url": filled(str(url), known, *target.at, "result_url")}
    if not target.name:
        raise LeftAlone("its settings need a `result_connection`", *target.at, "result_settings")
    said: dict[str, Any] = {}
    for name, value in settings.items():
        here = target.keys(name)
        if is_secret(name):
            _tell_secret(desk, here, value)
            desk.leave_out(here, f"a secret, which the connection {target.name!r} has to have")
        elif name != "type" and value is not None:
            said[name] = _setting(value, known, here)
    return {"connection": _name_of(desk, target, known), **({"settings": said} if said else {})}


def activation(
    desk: Desk, target: Target, keys: Keys, known: Mapping[str, Any], query: Mapping[str, Any]
) -> dict[str, Any]:
    """The `spec` of an Activation whose task is at *keys*; documents of its connection and audience are drafted where none are.

    Raises:
        LeftAlone: it does what no Activation can say.
    """
    verbs = desk.runtime.world.traits(Address("audience", "any")).verbs
    if verbs is None:
        raise LeftAlone("nobody here holds audiences", *target.at, "result_settings")
    settings = _Settings(target, known)
    if not target.name:
        raise LeftAlone("its settings need a `result_connection`", *target.at, "result_settings")
    if not target.settings:
        raise LeftAlone("what it does to which audience its connection says, not it", *target.at, "result_connection")
    if settings.text("audience_type", "customer_list") != "customer_list":
        raise LeftAlone("an Activation is for audiences of the type customer_list", *target.keys("audience_type"))
    action, told = settings.wanted("action").upper(), _ways(verbs)
    if action not in told:
        raise LeftAlone(f"{action!r} is no action; one of {', '.join(told)}", *target.keys("action"))
    id_setting, membership = told[action]
    _tell_idle(desk, target, verbs, {id_setting, *(_made_with(verbs) if action == verbs.create else ())})
    spec: dict[str, Any] = {"from": {"query": dict(query)}, "membership": membership}
    spec["to"] = {"audience": _audience(desk, settings, keys, verbs, id_setting, query)}
    if action == verbs.create:
        desk.note(
            target.keys("action"),
            "tdr decides itself whether an audience is made or updated; each further run replaces its members, as "
            "`membership: replace` says",
        )
    if not settings.flag():
        spec["on_invalid"] = "fail"
    delivery = {name: settings.count(name) for name in Delivery.model_fields if name in target.settings}
    return spec | ({"delivery": delivery} if delivery else {})


@dataclass(frozen=True, slots=True)
class _Settings:
    """Settings of an export to an audience, each read with the place to complain about."""

    target: Target
    known: Mapping[str, Any]

    def text(self, name: str, default: str = "") -> str:
        """A text, with what `_export` gives filled in."""
        value = self.target.settings.get(name)
        if isinstance(value, Mapping | list):
            raise LeftAlone(f"`{name}` is one value", *self.target.keys(name))
        return default if value is None else filled(str(value), self.known, *self.target.keys(name))

    def wanted(self, name: str, why: str = "") -> str:
        """A text that must be there."""
        value = self.text(name)
        if not value:
            raise LeftAlone(f"`{name}` is missing{why}", *self.target.at, "result_settings")
        return value

    def count(self, name: str) -> int:
        """A whole number."""
        value = self.text(name)
        if not value.isdecimal():
            raise LeftAlone(f"`{name}` is a whole number", *self.target.keys(name))
        return int(value)

    def flag(self) -> bool:
        """Whether records that cannot be sent are skipped, under either of its names."""
        named = [name for name in _FLAGS if name in self.target.settings]
        if len(named) > 1:
            raise LeftAlone(f"`{_FLAGS[1]}` and `{_FLAGS[0]}` are the same setting", *self.target.keys(named[-1]))
        value = self.text(named[0], "True").lower() if named else "true"
        if value not in {"true", "false"}:
            raise LeftAlone(f"`{named[0]}` is true or false", *self.target.keys(named[0]))
        return value == "true"


def _ways(verbs: AudienceVerbs) -> dict[str, tuple[str, str]]:
    """Action -> the setting that names its audience, and the membership that does the same."""
    told = {verb.action: (verb.id_setting, member.value) for member, verb in verbs.on_existing.items()}
    # What creates puts in the rows of the query and nothing else, which is what replacing does whenever it is done.
    return {verbs.create: (verbs.create_title_setting, "replace"), **told}


def _made_with(verbs: AudienceVerbs) -> tuple[str, str]:
    return verbs.create_title_setting, verbs.create_description_setting


def _tell_idle(desk: Desk, target: Target, verbs: AudienceVerbs, used: set[str]) -> None:
    """Tell settings of other actions, and those that no export to Pinterest has."""
    of_actions = {*_made_with(verbs), *(verb.id_setting for verb in verbs.on_existing.values())}
    for name, value in target.settings.items():
        here = target.keys(name)
        if name in of_actions - used and value is not None:
            desk.note(here, f"`{name}` has no effect with what this export does")
        elif name not in _OF_EXPORT | of_actions | Delivery.model_fields.keys():
            desk.leave_out(here, f"an export to Pinterest has no setting `{name}`")


def _audience(
    desk: Desk, settings: _Settings, keys: Keys, verbs: AudienceVerbs, id_setting: str, query: Mapping[str, Any]
) -> str:
    """Name of the document of the audience, which is drafted when there is none."""
    target, is_made = settings.target, id_setting == verbs.create_title_setting
    named = settings.wanted(id_setting, " for what this export does")
    account, title = settings.wanted("ad_account_id"), settings.text(verbs.create_title_setting)
    for address, resource in sorted(desk.resources.items()):
        spec = resource.spec
        if not isinstance(spec, AudienceSpec) or spec.ad_account_id != account:
            continue
        if (spec.title == title) if is_made else named in {spec.audience_id, _remembered(desk, address)}:
            return address.name
    if not title:
        raise LeftAlone(
            f"no document declares audience {named}, and its title is not told: declare it with "
            f"`tdr import audience/NAME {named}`, then run this again",
            *target.keys(id_setting),
        )
    tree: dict[str, Any] = {
        "connection": _connection(desk, settings, keys),
        "ad_account_id": account,
        "title": title,
    }
    if is_made:
        description = settings.text(verbs.create_description_setting)
        tree |= {"description": description} if description else {}
    else:
        tree["audience_id"] = named
        desk.note(target.keys(verbs.create_title_setting), "taken for the title that the audience has at Pinterest")
    identifier = _identifier(query)
    if identifier is None:
        desk.note(keys, "its query does not tell what members are known by; `identifier: email` is assumed")
    elif identifier is not Identifier.EMAIL:
        tree["identifier"] = identifier.value
    return desk.keep("audience", title, tree, keys)


def _identifier(query: Mapping[str, Any]) -> Identifier | None:
    columns = columns_of(str(query["sql"]), str(query.get("engine", Engine.TRINO.value)))
    names = [column.name for column in columns or ()]
    return Identifier(names[0]) if len(names) == 1 and names[0] in set(Identifier) else None


def _remembered(desk: Desk, address: Address) -> str | None:
    record = desk.runtime.store.read().state.records.get(address)
    return record.remote_id if record else None


def _connection(desk: Desk, settings: _Settings, keys: Keys) -> str:
    """Name of the document of the connection, which is drafted with references for its secrets when there is none."""
    target = settings.target
    for name in _CREDENTIALS:
        if name in target.settings:
            _tell_secret(desk, target.keys(name), target.settings[name])
    if _declared(desk, target.name) is not None:
        return _name_of(desk, target, settings.known)
    called = filled(target.name, settings.known, *target.at, "result_connection")
    tree: dict[str, Any] = {"type": "pinterest"}
    tree |= {name: Reference(secret_name(called, name)) for name in _CREDENTIALS}
    if base_url := settings.text("base_url"):
        tree["base_url"] = base_url
    return desk.keep("connection", called, tree, keys, called=called)


def _declared(desk: Desk, name: str) -> object:
    """What the document says of the connection called *name* at the vendor; None where there is none."""
    return next((spec for _, called, spec in _connections(desk) if called == name), None)


def _name_of(desk: Desk, target: Target, known: Mapping[str, Any]) -> str:
    """Name of the document of a connection; the name that it has at the vendor when no document declares it."""
    called = filled(target.name, known, *target.at, "result_connection")
    return next((document for document, name, _ in _connections(desk) if name == called), called)


def _connections(desk: Desk) -> Iterator[tuple[str, str, Any]]:
    """Documents of connections: their name, what the vendor calls the connection, and what they say."""
    for address, resource in sorted(desk.resources.items()):
        if address.kind == "connection":
            yield address.name, str(getattr(resource.spec, "name", None) or address.name), resource.spec


def _setting(value: Any, known: Mapping[str, Any], keys: Keys) -> Any:
    match value:
        case Mapping():
            return {name: _setting(below, known, (*keys, name)) for name, below in value.items()}
        case list():
            return [_setting(one, known, keys) for one in value]
        case bool():
            return "true" if value else "false"
        case _:
            return filled(str(value), known, *keys)


def _tell_secret(desk: Desk, keys: Keys, value: object) -> None:
    if holds_secret(value):
        desk.note(
            keys, f"`{keys[-1]}` stands there in clear text; take it out of the file, and renew it if others saw it"
        )
