"""`tdr state …` and `tdr lock …`: looking at the memory, and surgery on it, always under the lock and with a backup."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from reconciler.commands.answer import Answer
from reconciler.errors import NotKept, TdrError
from reconciler.model.address import Address
from reconciler.model.record import State
from reconciler.ports.clock import rfc3339
from reconciler.reports.documents import Document, heading
from reconciler.wiring import Runtime


def _document(runtime: Runtime, name: str, body: Document) -> Document:
    return heading(name, rfc3339(runtime.clock.now())) | {"environment": runtime.environment_name} | body


def listing(runtime: Runtime) -> Answer:
    """Every remembered address with its id."""
    state = runtime.store.read().state
    resources = [
        {"address": str(address), "id": record.remote_id, "phase": record.phase}
        for address, record in sorted(state.records.items())
    ]
    return Answer(_document(runtime, "state_list", {"serial": state.serial, "resources": list(resources)}))


def show(runtime: Runtime, address: Address | None) -> Answer:
    """One record, its fields side by side with its address, or the whole state.

    Raises:
        TdrError: *address* is not remembered.
    """
    state = runtime.store.read().state
    if address is None:
        body: Document = {
            "lineage": state.lineage,
            "serial": state.serial,
            "accounts": dict(state.accounts),
            "resources": {str(key): state.records[key].to_json() for key in sorted(state.records)},
        }
        return Answer(_document(runtime, "state", body))
    record = state.records.get(address)
    if record is None:
        raise TdrError(f"{address} is not in the state", hint="see `tdr state list`")
    return Answer(_document(runtime, "state_record", {"address": str(address)} | record.to_json()))


def history(runtime: Runtime) -> Answer:
    """The states kept, oldest first, and the current one. One that is let go of meanwhile is left out."""
    current = runtime.store.read().state
    entries: list[Document] = []
    for serial in runtime.store.history():
        with suppress(NotKept):
            entries.append({"serial": serial, "resources": len(runtime.store.past(serial).records)})
    body: Document = {"serial": current.serial, "lineage": current.lineage, "history": entries}
    return Answer(_document(runtime, "state_history", body))


def remove(runtime: Runtime, address: Address, lock_timeout_s: float) -> Answer:
    """Forget one record; the object stays where it is.

    Raises:
        TdrError: it is not remembered.
    """
    with runtime.store.lock("state rm", runtime.run_id, lock_timeout_s):
        state = runtime.store.read().state
        if address not in state.records:
            raise TdrError(f"{address} is not in the state", hint="see `tdr state list`")
        _write(runtime, state, state.with_record(address, None))
    return Answer(_document(runtime, "state_change", {"removed": str(address)}))


def move(runtime: Runtime, source: Address, target: Address, lock_timeout_s: float) -> Answer:
    """Remember an object under another address, so that renaming a document is not a delete and a create.

    Raises:
        TdrError: *source* is not remembered, *target* is, or their kinds differ.
    """
    with runtime.store.lock("state mv", runtime.run_id, lock_timeout_s):
        state = runtime.store.read().state
        if source not in state.records:
            raise TdrError(f"{source} is not in the state", hint="see `tdr state list`")
        if target in state.records:
            raise TdrError(f"{target} is in the state already", hint="remove it first with `tdr state rm`")
        if source.kind != target.kind:
            raise TdrError(
                f"{source} cannot become {target}: the kinds differ", hint="write an address of the same kind"
            )
        moved = state.with_record(source, None).with_record(target, state.records[source])
        records = {
            address: replace(
                record, depends_on=tuple(sorted(target if need == source else need for need in record.depends_on))
            )
            for address, record in moved.records.items()
        }
        _write(runtime, state, replace(moved, records=records))
    return Answer(_document(runtime, "state_change", {"moved": {"from": str(source), "to": str(target)}}))


def restore(runtime: Runtime, serial: int, lock_timeout_s: float) -> Answer:
    """Go back to a state that is kept; what the journal remembers since then is applied again.

    Raises:
        StateError: it is not kept, or damaged.
    """
    with runtime.store.lock("state restore", runtime.run_id, lock_timeout_s):
        restored = runtime.store.restore(serial)
    return Answer(_document(runtime, "state_change", {"restored": serial, "serial": restored.serial}))


def _write(runtime: Runtime, before: State, after: State) -> None:
    runtime.store.checkpoint(replace(after, serial=before.serial + 1), before.serial)


def lock_status(runtime: Runtime) -> Answer:
    """Who holds the lock."""
    holder = runtime.store.holder()
    store = runtime.store
    body: Document = {"locked": holder is not None, "where": store.where}
    if store.caveat:
        body["caveat"] = store.caveat
    if holder is not None:
        body |= {
            "lock_id": holder.lock_id,
            "operation": holder.operation,
            "who": holder.who,
            "host": holder.host,
            "pid": holder.pid,
            "run": holder.run,
            "since": holder.since,
        }
    return Answer(_document(runtime, "lock", body))


def lock_release(runtime: Runtime, lock_id: str) -> Answer:
    """Take the lock from a holder that cannot give it back.

    Raises:
        TdrError: nothing is locked.
        LockHeld: the id is another, or its holder is alive.
    """
    runtime.store.release(lock_id)
    return Answer(_document(runtime, "lock", {"locked": False, "released": lock_id}))
