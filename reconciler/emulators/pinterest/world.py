"""Everything this Pinterest knows, and what happens to it as time goes by."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping

from reconciler.emulators.faults import ListedLate
from reconciler.emulators.pinterest import saved
from reconciler.emulators.pinterest.knobs import Knobs
from reconciler.emulators.pinterest.members import CountedMembers, KeptMembers
from reconciler.emulators.pinterest.objects import Account, Audience, CustomerList, Hiding
from reconciler.emulators.pinterest.promotions import Promotions
from reconciler.emulators.pinterest.records import Batch
from reconciler.emulators.pinterest.storage import Storage
from reconciler.emulators.timeline import Timeline
from reconciler.model.json import Json

_FIRST_ID: Mapping[str, int] = {"list": 4_189_755, "audience": 2_542_620_905_473}  # as many digits as recorded ids


class World:
    """Ad accounts, customer lists and audiences. Lists and audiences are ordered by id, which is by age.

    Times are Unix seconds of *timeline*. Call `tick` before reading: statuses change with time only there.
    """

    def __init__(self, accounts: Iterable[Account], *, knobs: Knobs, timeline: Timeline, storage: Storage) -> None:
        """Start with *accounts* and with the objects found in *storage*."""
        self._seed = tuple(accounts)
        self._timeline = timeline
        self._storage = storage
        self._due: list[tuple[float, str]] = []  # when the processing of an object ends, and its id
        self.knobs = knobs
        self.promotions = Promotions()
        self.accounts = {account.id: account for account in self._seed}
        self.lists = {item.id: item for item in saved.load_lists(storage)}
        self.audiences = {item.id: item for item in saved.load_audiences(storage)}
        self._last_ids = {
            kind: saved.load_last_id(storage, kind, default=first - 1) for kind, first in _FIRST_ID.items()
        }
        self._due += [(item.ready_at, item.id) for item in self.lists.values()]
        self._due += [(item.ready_at, item.id) for item in self.audiences.values()]
        heapq.heapify(self._due)

    def clear(self) -> None:
        """Back to the accounts it started with, without any object. Ids begin anew."""
        self._storage.clear()
        self.promotions.clear()
        self.accounts = {account.id: account for account in self._seed}
        self.lists.clear()
        self.audiences.clear()
        self._due.clear()
        self._last_ids = {kind: first - 1 for kind, first in _FIRST_ID.items()}

    def now(self) -> float:
        """Unix seconds."""
        return self._timeline.now()

    def tick(self) -> None:
        """End all processing that is due."""
        while self._due and self._due[0][0] <= self.now():
            ready_at, key = heapq.heappop(self._due)
            if (found := self.lists.get(key)) is not None and found.ready_at == ready_at:
                self._settle(found)
            if (audience := self.audiences.get(key)) is not None:
                self._measure(audience)

    def add_list(
        self, account_id: str, name: str, list_type: str, batch: Batch, *, late: ListedLate | None = None
    ) -> CustomerList:
        """Create a customer list with its first batch."""
        now = self.now()
        created = CustomerList(
            id=self._next_id("list"),
            account_id=account_id,
            name=name,
            list_type=list_type,
            created=int(now),
            updated=int(now),
            ready_at=now + self.knobs.processing_s,
            members=KeptMembers() if self.knobs.members == "keep" else CountedMembers(),
            uploaded=batch.sent,
            exceptions=self._exceptions(batch),
            hiding=Hiding.starting(late, now) if late is not None else None,
        )
        created.members.add(batch)
        self.lists[created.id] = created
        self._await(created)
        self._storage.save("list", created.id, saved.of_list(created), added=batch.digests)
        return created

    def add_records(self, target: CustomerList, batch: Batch) -> None:
        """Another batch of people."""
        target.members.add(batch)
        target.uploaded += batch.sent
        self._changed(target, batch)
        self._storage.save("list", target.id, saved.of_list(target), added=batch.digests)

    def remove_records(self, target: CustomerList, batch: Batch) -> None:
        """Take people out; the counter counts those who were not there, too."""
        target.members.remove(batch)
        target.removed += batch.sent
        self._changed(target, batch)
        self._storage.save("list", target.id, saved.of_list(target), gone=batch.digests)

    def rename_list(self, target: CustomerList, name: str) -> None:
        """Only somebody in the console can."""
        target.name = name
        target.updated = int(self.now())
        self._storage.save("list", target.id, saved.of_list(target))

    def delete_list(self, target: CustomerList) -> None:
        """Only the vendor can."""
        del self.lists[target.id]
        self._storage.delete("list", target.id)

    def add_audience(
        self,
        account_id: str,
        *,
        name: str,
        audience_type: str,
        rule: Mapping[str, Json],
        description: str | None = None,
        late: ListedLate | None = None,
    ) -> Audience:
        """Create an audience; it has a size when it and its list have been processed."""
        now = self.now()
        created = Audience(
            id=self._next_id("audience"),
            account_id=account_id,
            name=name,
            audience_type=audience_type,
            rule=dict(rule),
            description=description,
            created=int(now),
            updated=int(now),
            ready_at=now + self.knobs.processing_s,
            hiding=Hiding.starting(late, now) if late is not None else None,
        )
        self.audiences[created.id] = created
        self._await(created)
        self._save(created)
        return created

    def change_audience(
        self,
        target: Audience,
        *,
        name: str | None = None,
        description: str | None = None,
        rule: Mapping[str, Json] | None = None,
    ) -> None:
        """Set what is given."""
        if name is not None:
            target.name = name
        if description is not None:
            target.description = description
        if rule is not None:
            target.rule = dict(rule)
        target.updated = int(self.now())
        self._save(target)

    def archive_audience(self, target: Audience) -> None:
        """What REMOVE does; who may still see it is the knob's business."""
        target.status = "ARCHIVED"
        target.updated = int(self.now())
        self._save(target)

    def delete_audience(self, target: Audience) -> None:
        """Gone without a trace."""
        del self.audiences[target.id]
        self._storage.delete("audience", target.id)

    def _await(self, item: CustomerList | Audience) -> None:
        heapq.heappush(self._due, (item.ready_at, item.id))

    def _changed(self, target: CustomerList, batch: Batch) -> None:
        now = self.now()
        target.batches += 1
        target.updated = int(now)
        target.status = "PROCESSING"
        target.ready_at = now + self.knobs.processing_s
        target.exceptions = self._exceptions(batch)
        self._await(target)

    def _exceptions(self, batch: Batch) -> dict[str, Json]:
        if self.knobs.invalid_records != "exceptions" or not batch.invalid:
            return {}
        return {"code": 1, "message": f"{batch.invalid} records are invalid."}

    def _settle(self, target: CustomerList) -> None:
        target.settled = target.members.matched(self.knobs.match_ratio)
        target.status = "READY" if target.settled >= self.knobs.minimum_matched else "TOO_SMALL"
        target.updated = int(target.ready_at)
        self._storage.save("list", target.id, saved.of_list(target))
        for audience in self.audiences.values():
            if audience.list_id == target.id:
                self._measure(audience)

    def _measure(self, audience: Audience) -> None:
        """Give an audience its size, unless it or its list is still being processed."""
        if audience.status == "ARCHIVED" or audience.ready_at > self.now():
            return
        source = self.lists.get(audience.list_id or "")
        if source is not None and source.status == "PROCESSING":
            return
        audience.size = source.settled if source is not None else 0  # nobody visits a sandbox
        audience.status = "READY" if audience.size >= self.knobs.minimum_matched else "TOO_SMALL"
        self._save(audience)

    def _save(self, audience: Audience) -> None:
        self._storage.save("audience", audience.id, saved.of_audience(audience))

    def _next_id(self, kind: str) -> str:
        self._last_ids[kind] += 1
        saved.save_last_id(self._storage, kind, self._last_ids[kind])
        return str(self._last_ids[kind])
