"""The `in` part of a load by a source specification, which only the embedded service carries out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final, cast

from reconciler.diagnostics import Diagnostic, Severity
from reconciler.errors import Permanent
from reconciler.model.address import Address
from reconciler.model.connections import RestAuthentication, RestConnection
from reconciler.model.imports import ImportSpec, Placement, RestSource
from reconciler.model.json import Json
from reconciler.model.sourcespecs import SourceDefinition
from reconciler.model.unknown import Unknown
from reconciler.ports.listing import Directory
from reconciler.ports.provider import Context
from reconciler.providers.treasure_data.family import Leaf
from reconciler.providers.treasure_data.names import referred
from reconciler.providers.treasure_data.references import CannotSay, Tree, nothing_else
from reconciler.sourcespec import documents, inputs, windows
from reconciler.sourcespec.addresses import Values, first_request
from reconciler.sourcespec.checking import check
from reconciler.sourcespec.definition import Definition
from reconciler.sourcespec.documents import Declared
from reconciler.sourcespec.findings import Finding, Refused
from reconciler.sourcespec.specification import Specification

_CONNECTION: Final = "td_authentication_id"
_SOME_DAY: Final = windows.Window(None, datetime(2000, 1, 1, tzinfo=UTC))
"""Stands for the window of a run where only the values of a request matter."""


def wanted(source: RestSource, context: Context, connection_id: Callable[[str], str]) -> dict[str, Leaf]:
    """The attribute `source` of what is declared.

    Raises:
        Permanent: the specification cannot be read; the loader says so with its place.
    """
    declared = _declared(source, context)
    part: dict[str, Leaf] = {
        "type": source.type,
        "spec": declared.source,
        "auth_spec": _authentication(declared, _connection(source, context)),
        "params": inputs.typed(_inputs(declared), cast("Mapping[str, Json]", source.params)),
        "backfill": source.backfill,
        "incremental": source.incremental,
    }
    if source.connection is not None:
        address = Address("connection", source.connection)
        part[_CONNECTION] = (
            context.remote_ids.get(address) or Unknown(address)
            if address in context.resources
            else connection_id(source.connection)
        )
    if source.begins is not None:
        part["first"] = source.begins
    return part


def told(raw: Mapping[str, Json]) -> dict[str, Json]:
    """The same of what the service tells: as it was sent, for a specification holds no secrets."""
    source = dict(raw)
    if _CONNECTION in source:
        source[_CONNECTION] = str(source[_CONNECTION])
    return source


def said(source: Mapping[str, Any], directory: Directory) -> Tree:
    """What a document says in `from` of a source that was told.

    Raises:
        CannotSay: no document declares its specification or its connection.
    """
    known = {"type", "spec", "auth_spec", "params", "backfill", "incremental", "first", _CONNECTION}
    nothing_else(source, known, "its source has settings")
    tree: Tree = {"type": "rest", "spec": _named(source.get("spec"), directory)}
    if _CONNECTION in source:
        name = directory.name_of("connection", str(source[_CONNECTION]))
        if name is None:
            raise CannotSay(f"it reads through connection {source[_CONNECTION]}, which no document declares")
        tree["connection"] = name
    if source.get("params"):
        tree["params"] = source["params"]
    tree |= {name: False for name in ("incremental", "backfill") if source.get(name) is False}
    return tree | ({"first": source["first"]} if "first" in source else {})


def _named(spec: object, directory: Directory) -> str:
    for address, declaring in sorted(directory.specs.items()):
        if isinstance(declaring, SourceDefinition):
            try:
                if documents.declared(declaring).source == spec:
                    return address.name
            except Refused:
                continue
    raise CannotSay("no document declares its source specification: write a SourceSpec for it first")


def problems(
    address: Address, spec: ImportSpec, source: RestSource, context: Context, *, runs_here: bool
) -> Iterator[Diagnostic]:
    """What can be said against a source without any call."""
    subject = str(address)
    if not runs_here:
        yield Diagnostic(
            "runner",
            "Treasure Data has no connector that reads by a source specification",
            subject=subject,
            path="/spec/from/type",
            hint="use it in an environment whose `treasure_data.endpoint` is embedded: the runner there reads it",
        )
    named = None if source.connection is None else context.resources.get(Address("connection", source.connection))
    if named is not None and not isinstance(named.spec, RestConnection):
        yield Diagnostic(
            "not-rest",
            f"{named.address} is no connection to a REST API",
            subject=subject,
            path="/spec/from/connection",
            hint="name a Connection of `type: rest`",
        )
        return
    try:
        declared = _declared(source, context)
    except Permanent:
        return  # told where the specification stands
    for finding in _findings(source, declared, _connection(source, context), is_known=named is not None):
        path = "/spec/from/" + finding.at.replace(".", "/")
        yield Diagnostic("source-spec", finding.message, subject=subject, path=path, hint=finding.hint)
    yield from _window_problems(subject, spec, source, declared, context)


def _window_problems(
    subject: str, spec: ImportSpec, source: RestSource, declared: Declared, context: Context
) -> Iterator[Diagnostic]:
    told = _told(_connection(source, context))
    specification = check(declared.source, _params(source, declared), declared=declared.parameters() | told.keys())
    if specification.specification is None or specification.specification.window is None or not source.incremental:
        return
    if spec.to.mode is not Placement.APPEND:
        yield Diagnostic(
            "changes-only",
            f"each run would leave only what came since the one before, for `mode: {spec.to.mode.value}` takes the rows away",
            Severity.WARNING,
            subject=subject,
            path="/spec/to/mode",
            hint="keep `mode: append`, or write `incremental: false` to bring everything each time",
        )
    for notice in windows.notices(specification.specification):
        yield Diagnostic("source-spec", notice, Severity.NOTICE, subject=subject, path="/spec/from/spec")


def _findings(
    source: RestSource, declared: Declared, connection: RestConnection | None, *, is_known: bool
) -> Iterator[Finding]:
    """Problems of the specification together with what is put into it, at places below `from`."""
    params, told = _params(source, declared), _told(connection)
    yield from (one for one in inputs.misfits(_inputs(declared), params) if one.at.startswith("params"))
    yield from _authentication_findings(declared, connection)
    checked = check(declared.source, params, declared=declared.parameters() | told.keys())
    if Definition.of(declared.source, params).is_template:
        yield from (one for one in checked.findings if one.severity == "error" and one.at.startswith("params"))
    if checked.specification is not None and (is_known or source.connection is None):
        try:
            _request(checked.specification, Values(params, told))
        except Refused as refused:
            yield Finding("error", "params", f"{refused.finding.at}: {refused.finding.message}", refused.finding.hint)


def _request(specification: Specification, values: Values) -> None:
    asked = windows.asked(specification, "once", _SOME_DAY)
    first_request(specification, values, schedule_text=asked.text, schedule_query=asked.query)


def _authentication_findings(declared: Declared, connection: RestConnection | None) -> Iterator[Finding]:
    if connection is None or connection.auth is RestAuthentication.NONE or not declared.authentications:
        return
    entry = declared.authentication(connection.auth.value)
    if entry is None:
        known = ", ".join(str(one.get("type") or one.get("name")) for one in declared.authentications)
        yield Finding(
            "error",
            "connection",
            f"the specification has no authentication {connection.auth.value!r}",
            f"it has {known}; Adobe would refuse this with 1415-400",
        )
        return
    missing = [name for name in documents.required(entry) if name not in _told(connection)]
    if missing:
        yield Finding(
            "error",
            "connection",
            f"the connection does not say `{missing[0]}`, which the specification's authentication requires",
            "write it in the `params` of the connection, or in its `secrets`",
        )


def _declared(source: RestSource, context: Context) -> Declared:
    definition = referred(Address("sourcespec", source.spec), SourceDefinition, context)
    try:
        return documents.declared(definition)
    except Refused as refused:
        raise Permanent(
            f"sourcespec/{source.spec}: {refused.finding.message}", hint=refused.finding.hint or "run `tdr validate`"
        ) from None


def _connection(source: RestSource, context: Context) -> RestConnection | None:
    named = None if source.connection is None else context.resources.get(Address("connection", source.connection))
    return named.spec if named is not None and isinstance(named.spec, RestConnection) else None


def _authentication(declared: Declared, connection: RestConnection | None) -> Mapping[str, Json]:
    if connection is not None:
        return declared.authentication(connection.auth.value) or {}
    return declared.authentications[0] if len(declared.authentications) == 1 else {}


def _told(connection: RestConnection | None) -> dict[str, Json]:
    """What a connection says; a word in the place of what is secret, which no message repeats."""
    if connection is None:
        return {}
    return {**cast("dict[str, Json]", connection.params), **dict.fromkeys(connection.secrets, "hidden")}


def _params(source: RestSource, declared: Declared) -> dict[str, Json]:
    return inputs.typed(_inputs(declared), cast("Mapping[str, Json]", source.params))


def _inputs(declared: Declared) -> Mapping[str, Json]:
    return Definition.of(declared.source, {}).inputs
