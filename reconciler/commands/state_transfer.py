"""`tdr state pull`, `push`, `migrate`, `verify` and `mend`: the state as a whole, between places and out of trouble."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from reconciler import __version__
from reconciler.commands.answer import FAILED, OK, Answer
from reconciler.commands.given_files import content
from reconciler.errors import NotKept, StateError, TdrError
from reconciler.model.json import Json
from reconciler.model.record import State
from reconciler.ports.clock import rfc3339
from reconciler.ports.store import Snapshot, StateStore
from reconciler.reports.documents import Document, heading
from reconciler.stores import document
from reconciler.stores.document import UnusableError
from reconciler.stores.succession import present
from reconciler.wiring import Runtime


def _answer(runtime: Runtime, name: str, body: Document, exit_code: int = OK) -> Answer:
    told = heading(name, rfc3339(runtime.clock.now())) | {"environment": runtime.environment_name}
    return Answer(told | body, exit_code)


def pull(runtime: Runtime) -> Answer:
    """The whole state as its document, with the journal's lines in it; as `push` takes it."""
    state = runtime.store.read().state
    written_by = {"tdr": __version__, "run": ""}
    data = document.encode(state, written_by=written_by, written_at=rfc3339(runtime.clock.now()))
    pulled: dict[str, Any] = orjson.loads(data)
    return Answer(pulled)


def push(runtime: Runtime, path: Path, lock_timeout_s: float) -> Answer:
    """Make the state in the file *path* the current one; the present one stays in the history.

    Raises:
        TdrError: the file cannot be read or is no state.
        StateError: it is of another lineage, project or environment, or older than the current one.
    """
    pushed = _state_in(path)
    pushed = document.owned(pushed, runtime.environment_name, runtime.project.spec.project, repr(str(path)))
    store = runtime.store
    with store.lock("state push", runtime.run_id, lock_timeout_s):
        there = store.read()
        state = there.state
        is_fresh = not (state.serial or state.records or there.unfinished)
        if is_fresh and pushed.lineage != state.lineage:
            store.begin_with(pushed, (), ())
            return _answer(runtime, "state_change", {"pushed": pushed.serial, "serial": pushed.serial})
        if pushed.lineage != state.lineage:
            raise StateError(
                f"{str(path)!r} is of lineage {pushed.lineage}, the state here of {state.lineage}",
                hint="they belong to different environments or projects; a state is never replaced by another one",
            )
        if pushed == state:
            return _answer(runtime, "state_change", {"pushed": pushed.serial, "serial": state.serial})
        if pushed.serial <= state.serial:
            raise StateError(
                f"{str(path)!r} has serial {pushed.serial}, the state here {state.serial}: it would be undone",
                hint="`tdr state history` and `tdr state restore SERIAL` go back on purpose",
            )
        store.checkpoint(pushed, state.serial)
    return _answer(runtime, "state_change", {"pushed": pushed.serial, "serial": pushed.serial})


def _state_in(path: Path) -> State:
    data = content(path, "name a file from `tdr state pull`")
    try:
        return document.decode(data)
    except UnusableError as error:
        raise TdrError(
            f"{str(path)!r} {error.why}", hint=error.remedy or "name a file from `tdr state pull`"
        ) from error


def migrate(runtime: Runtime, source: StateStore, lock_timeout_s: float) -> Answer:
    """Move everything from *source* to where the environment keeps its state now, and compare both.

    The new place points to *source* until everything has arrived; then *source* points there. So a move that was killed
    never leaves two places that both seem to hold the state, and can be repeated.

    Raises:
        StateError: *source* is damaged or was moved elsewhere, the new place holds a state already, or they differ
            afterwards.
    """
    target = runtime.store
    if source.where == target.where:
        raise StateError(f"the state is at {target.where} already", hint="name where it was before with --from")
    with (
        source.lock("state migrate", runtime.run_id, lock_timeout_s),
        target.lock("state migrate", runtime.run_id, lock_timeout_s),
    ):
        snapshot, there = _ends_of_move(source, target)
        past = [source.past(serial) for serial in source.history()]
        reports: Mapping[str, Mapping[str, Json]] = {each: source.run(each) for each in source.runs()}
        if replace(there, elsewhere="") != snapshot:  # else a move that was killed came so far
            target.begin_with(snapshot.state, snapshot.unfinished, past, elsewhere=source.where)
        for each, report in reports.items():
            target.keep_run(each, report)
        arrived = target.last()
        kept, known = list(target.history()), list(target.runs())
        differing = [
            *([] if arrived.state == snapshot.state else ["the state"]),
            *([] if arrived.unfinished == snapshot.unfinished else ["what is unfinished"]),
            *(f"serial {old.serial}" for old in past[-len(kept) :] if kept and not _same(target.past(old.serial), old)),
            *(f"run {each}" for each in known if each in reports and target.run(each) != reports[each]),
        ]
        if differing:
            raise StateError(
                f"what arrived at {target.where} differs: {', '.join(differing)}", hint=f"go on with {source.where}"
            )
        source.point_to(target.where)
        target.point_to("")
    body: Document = {
        "from": source.where,
        "to": target.where,
        "lineage": arrived.state.lineage,
        "serial": arrived.state.serial,
        "resources": len(arrived.state.records),
        "unfinished": len(arrived.unfinished),
        "history": len(kept),
        "runs": len(known),
    }
    return _answer(runtime, "state_migration", body)


def _ends_of_move(source: StateStore, target: StateStore) -> tuple[Snapshot, Snapshot]:
    """What is to be moved from *source*, and what is at *target*.

    Raises:
        StateError: the state is at neither of the two.
    """
    leaving, there = source.last(), target.last()
    if leaving.elsewhere != target.where:
        present(leaving, source.where)
    elif there.elsewhere != source.where:
        present(there, target.where)
    return replace(leaving, elsewhere=""), there


def _same(one: State, other: State) -> bool:
    """Equal, but for a project that one of them does not name yet."""
    return replace(one, project="") == replace(other, project="")


def verify(runtime: Runtime) -> Answer:
    """Read everything that is kept, and tell what cannot be read; others may write, and let go of what is old, meanwhile."""
    store = runtime.store
    problems: list[Document] = []

    def tried(what: str, error: StateError) -> None:
        problems.append({"what": what, "message": error.message, "hint": error.hint})

    body: Document = {"where": store.where, "caveat": store.caveat}
    try:
        snapshot = store.read()
        for record in snapshot.state.records.values():
            record.to_json()
        body |= {
            "lineage": snapshot.state.lineage,
            "serial": snapshot.state.serial,
            "resources": len(snapshot.state.records),
            "unfinished": len(snapshot.unfinished),
        }
    except StateError as error:
        tried("state", error)
    serials, known = list(store.history()), list(store.runs())
    for serial in tuple(serials):
        try:
            dict(store.past(serial).records.items())
        except StateError as error:
            if isinstance(error, NotKept) and serial not in store.history():
                serials.remove(serial)
            else:
                tried(f"history {serial}", error)
    for run in tuple(known):
        try:
            store.run(run)
        except StateError as error:
            if isinstance(error, NotKept) and run not in store.runs():
                known.remove(run)
            else:
                tried(f"run {run}", error)
    body |= {"history": len(serials), "runs": len(known), "sound": not problems, "problems": list(problems)}
    return _answer(runtime, "state_verification", body, FAILED if problems else OK)


def mend(runtime: Runtime, lock_timeout_s: float) -> Answer:
    """Set a damaged journal aside, and go on from its last good line.

    Raises:
        StateError: the document is damaged, too.
    """
    with runtime.store.lock("state mend", runtime.run_id, lock_timeout_s):
        mended = runtime.store.mend()
    body: Document = {
        "mended": {"lost_lines": mended.lost, "aside": mended.aside or None},
        "serial": mended.state.serial,
    }
    return _answer(runtime, "state_change", body)
