"""What a run did to what is remembered, read from its document, and what of it no rollback brings back. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from reconciler.errors import StateError
from reconciler.model.address import Address
from reconciler.model.json import Json
from reconciler.model.record import Record

_MADE_ANEW = {
    "audience": "it comes back with another id and without its members, until an activation sends them again",
    "table": "it comes back empty: its rows are lost",
    "database": "it comes back empty",
    "import": "it comes back without its position: it may load rows again",
}
_TAKEN_AWAY = {
    "audience": "its members are lost",
    "table": "its rows are lost",
    "import": "its position is lost; rows it loaded stay",
}


@dataclass(frozen=True, slots=True)
class Done:
    """What a run did at one address. A record is None where nothing was remembered."""

    address: Address
    action: str
    before: Record | None
    after: Record | None
    has_failed: bool = False

    @property
    def is_ours_no_more(self) -> bool:
        """Whether the object stayed where it is and was only let go of."""
        return self.after is None and self.action in ("forget", "disable")


def done_by(run: Mapping[str, Json]) -> tuple[Done, ...]:
    """What *run*, a kept document, changed in what is remembered, in the order in which it did.

    Also what failed in it: its vendor may have done it nevertheless. If not, there will be nothing to put back.

    Raises:
        StateError: it is no whole document.
    """
    results = run.get("results")
    try:
        found = [_done(result) for result in results if isinstance(result, Mapping)]  # type: ignore[union-attr]
    except (KeyError, TypeError, ValueError) as error:
        raise StateError(
            f"the document of run {run.get('run')!r} is not whole", hint="it cannot be rolled back"
        ) from error
    return tuple(one for one in found if one.before != one.after or (one.has_failed and one.before is not None))


def _done(result: Mapping[str, Json]) -> Done:
    return Done(
        Address.parse(str(result["address"])),
        str(result["action"]),
        _record(result["record_before"]),
        _record(result["record_after"]),
        result["status"] == "failed",
    )


def _record(data: Json) -> Record | None:
    if data is None:
        return None
    if not isinstance(data, Mapping):
        raise TypeError(type(data).__name__)
    return Record.from_json(data)


def cannot_be_undone(done: Done) -> Iterator[str]:
    """What stays as it is whatever a rollback does, a sentence each."""
    if done.address.kind == "activation" and done.action not in ("forget", "adopt"):
        yield "rows that it sent stay sent"
    if done.before is not None and done.after is None and not done.is_ours_no_more:
        yield _MADE_ANEW.get(done.address.kind, "it comes back as a new object")
    if done.before is None and done.after is not None and done.action != "adopt" and done.address.kind in _TAKEN_AWAY:
        yield _TAKEN_AWAY[done.address.kind]
    if done.action == "adopt":
        yield "it was there before, so it is let go of and not deleted; what the run changed in it stays"


def touched_since(done: Done, current: Record | None) -> bool:
    """Whether what is remembered is neither as that run left it nor as it was before that run."""
    return not (_is_same(current, done.after) or _is_same(current, done.before))


def _is_same(one: Record | None, other: Record | None) -> bool:
    if one is None or other is None:
        return one is other
    return (one.applied, one.remote_id) == (other.applied, other.remote_id)


def out_of_reach(done: Done, records: Mapping[Address, Record]) -> str:
    """Why what that run left is not what stands at its address any more, or "".

    To put something back there would then make a second object, or change one that is not meant.
    """
    if done.after is None:
        return ""
    there = records.get(done.address)
    if there is None or there.remote_id != done.after.remote_id:
        for address, record in sorted(records.items()):
            if address.kind == done.address.kind and record.remote_id == done.after.remote_id:
                return f"is {address} since that run"
    if there is None and done.before is not None:
        return "was moved or taken away since that run"
    return ""


def users_of(address: Address, records: Mapping[Address, Record], besides: Iterable[Address]) -> list[Address]:
    """What names *address* as last applied, but for *besides*; sorted."""
    left_out = set(besides)
    return sorted(one for one, record in records.items() if address in record.depends_on and one not in left_out)
