"""What a reader of a plan should know besides the changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from reconciler.diagnostics import Diagnostic, Severity
from reconciler.engine.world import World
from reconciler.model.activation import Outcome, Resolution
from reconciler.model.address import Address
from reconciler.model.change import Adopt, Change, Create, Delete, Keep, Replace, fields_of
from reconciler.model.json import Json
from reconciler.model.record import State
from reconciler.model.secret import OF_ANOTHER_KEY


def remarks(
    world: World, state: State, resolutions: Mapping[Address, Resolution], changes: Sequence[Change]
) -> Iterator[Diagnostic]:
    """Findings about *changes*, in their order."""
    creating = {
        traits.verbs.create
        for provider in world.providers.values()
        for traits in provider.kinds.values()
        if traits.verbs is not None
    }
    for change in changes:
        address = change.address
        resolution = resolutions.get(address)
        if isinstance(change, Keep) and resolution is None:
            continue
        if resolution is not None and resolution.outcome is Outcome.NOTHING:
            message = f"{address}: {resolution.evidence}"
            yield Diagnostic("nothing-to-do", message, Severity.WARNING, subject=str(address))
        record = state.records.get(address)
        in_create_mode = any(
            field.before in creating for path, field in fields_of(change).items() if path.endswith("/action")
        )
        if in_create_mode and not (record and record.phase):
            message = f"{address}: its export is in create mode, so every run after the first would fail"
            yield Diagnostic("create-mode", message, Severity.WARNING, subject=str(address))
        if isinstance(change, Create | Adopt) and record is not None:
            yield _gone(state, change)
        if isinstance(change, Replace) and change.fields and (means := world.traits(address).anew_means):
            message = f"{address}: {change.fields[0].path} cannot be changed in place; {means}"
            yield Diagnostic("made-anew", message, Severity.WARNING, subject=str(address))
        if isinstance(change, Delete) and (leaves := world.traits(address).leaves):
            yield Diagnostic("left-behind", f"{address}: {leaves}", Severity.WARNING, subject=str(address))
    yield from _done_otherwise(world, state)
    yield from _of_another_key(changes)


def _of_another_key(changes: Sequence[Change]) -> Iterator[Diagnostic]:
    """Secrets that cannot be compared, told once: a pipeline that makes itself a key every time has only such."""
    count = sum(field.before == OF_ANOTHER_KEY for change in changes for field in fields_of(change).values())
    if count:
        message = (
            f"the key is not the one of the last apply, so nobody can tell whether {_secrets(count)} changed; "
            f"{'it is' if count == 1 else 'they are'} sent again"
        )
        hint = (
            "set TDR_KEY to the key of the last apply, wherever tdr runs for this project; or apply once with the new key\n"
            "where no key can be kept, write a `version:` beside each secret and count it up when the secret changes"
        )
        yield Diagnostic("another-key", message, Severity.WARNING, hint=hint)


def _secrets(count: int) -> str:
    return "1 secret" if count == 1 else f"{count} secrets"


def _gone(state: State, change: Create | Adopt) -> Diagnostic:
    """An object is not there any more and gets a new id: everything that holds the old one."""
    address = change.address
    record = state.records[address]
    since = f" (first missed at {record.absent_since})" if record.absent_since else ""
    holders = sorted(
        other
        for other, held in state.records.items()
        if other != address and (address in held.depends_on or _holds(held.applied, record.remote_id))
    )
    known = ", ".join(map(str, holders)) or "nothing that tdr manages"
    message = f"{address}: object {record.remote_id} is gone{since}; its id is held by {known}"
    hint = "whatever outside of these manifests holds that id must be told the new one"
    return Diagnostic("gone", message, Severity.WARNING, subject=str(address), hint=hint)


def _holds(value: Json, remote_id: str) -> bool:
    """Whether *remote_id* is a value somewhere in *value*."""
    if isinstance(value, Mapping):
        return any(_holds(inner, remote_id) for inner in value.values())
    if isinstance(value, list | tuple):
        return any(_holds(inner, remote_id) for inner in value)
    return value == remote_id


def _done_otherwise(world: World, state: State) -> Iterator[Diagnostic]:
    """Imports that came too late: the resource is another object already."""
    for address, remote_id in sorted(world.transitions.imports.items()):
        record = state.records.get(address)
        if record is not None and record.remote_id != remote_id:
            message = f"{address} is object {record.remote_id} already, so the import of {remote_id!r} does nothing"
            hint = f"take the entry out of `imports`; or `tdr state rm {address}` first, if the other one is meant"
            yield Diagnostic("import-without-effect", message, Severity.WARNING, subject=str(address), hint=hint)
