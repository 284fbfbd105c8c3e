"""The memory of one writing run: every remote write is on disk before and after, and what it left is remembered."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from reconciler import logs, spans
from reconciler.engine.diff import Tree, secrets_in, without_secrets
from reconciler.engine.making import made_of
from reconciler.engine.world import World
from reconciler.model.address import Address
from reconciler.model.json import Json
from reconciler.model.record import Record, State
from reconciler.model.resource import Resource
from reconciler.ports.store import Entry, Phase, StateStore


@dataclass(slots=True)
class Session:
    """Journal and state of a run. Safe to use from several threads.

    reopened: address -> the operation a killed run left open there; what closes the new one closes that too.
    """

    world: World
    store: StateStore
    run: str
    state: State
    reopened: dict[Address, Entry] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(
        self, address: Address, step: str, natural_key: str = "", details: Mapping[str, Json] | None = None
    ) -> Entry:
        """Put on disk that *step* is about to be tried."""
        with self._lock:
            left_open = self.reopened.get(address)
            op = left_open.op if left_open and left_open.step == step else uuid.uuid4().hex[:12]
            entry = Entry(
                op=op,
                phase=Phase.INTENT,
                step=step,
                address=address,
                at=self.world.clock.now(),
                run=self.run,
                natural_key=natural_key,
                details=details or {},
            )
            self.store.append(entry)
        logs.note(op=entry.op)
        spans.tell({"tdr.op": entry.op})
        return entry

    def end(self, begun: Entry, record: Record | None) -> None:
        """Put on disk that it was done, and that *record* is what is remembered from now on."""
        with self._lock:
            self._close_left_open(begun)
            self._append(replace(begun, phase=Phase.DONE, at=self.world.clock.now(), remembers=True, record=record))

    def fail(self, begun: Entry, message: str) -> None:
        """Put on disk that it certainly did not act."""
        with self._lock:
            self.store.append(
                replace(
                    begun, phase=Phase.FAILED, at=self.world.clock.now(), details={**begun.details, "error": message}
                )
            )

    def remember(self, address: Address, record: Record | None, step: str = "remember") -> None:
        """Change only what is remembered; nothing is written at any vendor."""
        with self._lock:
            left_open = self.reopened.pop(address, None)
            entry = Entry(
                op=left_open.op if left_open else uuid.uuid4().hex[:12],
                phase=Phase.RECORD,
                step=step,
                address=address,
                at=self.world.clock.now(),
                run=self.run,
                remembers=True,
                record=record,
            )
            self._append(entry)
            if left_open:
                self.store.append(replace(left_open, phase=Phase.DONE, at=self.world.clock.now()))

    def close_settled(self, address: Address) -> None:
        """Close what a killed run left open at *address*, where looking showed that nothing is left to do."""
        with self._lock:
            left_open = self.reopened.pop(address, None)
            if left_open:
                self.store.append(
                    replace(left_open, phase=Phase.FAILED, at=self.world.clock.now(), details={"settled_by": self.run})
                )

    def _close_left_open(self, begun: Entry) -> None:
        left_open = self.reopened.pop(begun.address, None)
        if left_open and left_open.op != begun.op:
            self.store.append(
                replace(left_open, phase=Phase.FAILED, at=self.world.clock.now(), details={"superseded_by": begun.op})
            )

    def _append(self, entry: Entry) -> None:
        self.store.append(entry)
        self.state = self.state.with_record(entry.address, entry.record)

    def record(self, address: Address) -> Record | None:
        """What is remembered of *address* now."""
        with self._lock:
            return self.state.records.get(address)

    def remote_ids(self) -> dict[Address, str]:
        """Ids of everything remembered."""
        with self._lock:
            return {address: record.remote_id for address, record in self.state.records.items()}

    def record_of(
        self,
        resource: Resource,
        remote_id: str,
        desired: Tree,
        *,
        resolved: Mapping[str, Json] | None = None,
        phase: str = "",
        unseen_since: str = "",
    ) -> Record:
        """What to remember after *desired* was written to the object *remote_id*."""
        lifecycle = resource.lifecycle
        return Record(
            remote_id=remote_id,
            applied=without_secrets(desired),
            fingerprints={path: self.world.fingerprint(secret, path) for path, secret in secrets_in(desired)},
            depends_on=resource.depends_on,
            protect=lifecycle.protect,
            on_delete=lifecycle.on_delete,
            resolved=resolved or {},
            phase=phase,
            unseen_since=unseen_since,
            made_of=made_of(resource, self.world.resources, self._id_of),
            written_by=self.world.release,
        )

    def _id_of(self, address: Address) -> str:
        record = self.state.records.get(address)
        return record.remote_id if record is not None else ""
