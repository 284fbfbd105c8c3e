"""Which state may follow which."""

from __future__ import annotations

from collections.abc import Callable

from reconciler.errors import StateError
from reconciler.model.record import State
from reconciler.ports.store import Snapshot

OUR_BUG = "this is a bug of tdr; please report it"


def check_succession(stored: State, state: State, expected_serial: int) -> None:
    """Refuse a state that does not follow the stored one."""
    if state.lineage != stored.lineage:
        raise StateError(
            f"state of lineage {state.lineage} cannot replace one of lineage {stored.lineage}",
            hint="they belong to different environments or projects",
        )
    if stored.serial != expected_serial:
        raise StateError(
            f"another writer won: the stored state has serial {stored.serial}, this run began from {expected_serial}",
            hint="plan again",
        )
    if state.serial < stored.serial:
        raise StateError(
            f"state of serial {state.serial} is older than the stored one, {stored.serial}", hint="plan again"
        )
    if state.serial == stored.serial and state != stored:
        raise StateError(f"two different states cannot both have serial {state.serial}", hint=OUR_BUG)


def present(there: Snapshot, where: str) -> Snapshot:
    """*there*, unless the state is elsewhere.

    Raises:
        StateError: it is.
    """
    if there.elsewhere:
        raise StateError(
            f"the state is not at {where} but at {there.elsewhere}: it was moved, or a move has not ended",
            hint="write that place into the environment's file as `state`, or run `tdr state migrate` to its end; "
            f"if it is lost, `tdr state restore {there.state.serial}` goes on from what is here",
        )
    return there


def check_empty(there: Snapshot, where: str, lineage: str) -> None:
    """Refuse to put a first state of *lineage* where something is remembered already.

    What a move that was killed left is nothing, and so is what was moved away.

    Raises:
        StateError: something is.
    """
    state = there.state
    if there.elsewhere and state.lineage == lineage:
        return
    if state.serial or state.records or there.unfinished:
        raise StateError(
            f"{where} holds a state already: serial {state.serial}, lineage {state.lineage}",
            hint="name a place that nobody uses; a state is never replaced by another one",
        )


def encoded(encode: Callable[[], bytes]) -> bytes:
    """What *encode* makes.

    Raises:
        StateError: there is something in it that is not JSON.
    """
    try:
        return encode()
    except TypeError as error:
        raise StateError(f"state cannot be written as JSON: {error}", hint=OUR_BUG) from error
