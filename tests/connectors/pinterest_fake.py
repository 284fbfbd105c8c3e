"""A Pinterest in memory that can refuse, lose answers and kill its caller."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from reconciler.connectors.destinations.pinterest_api import Audience, CustomerList
from reconciler.errors import NotFound, OutcomeUnknown, Permanent, Transient
from reconciler.model.kinds import Identifier

Fault = Literal["none", "refused", "lost after acting", "lost before acting", "killed before", "killed after"]
FAULTS: tuple[Fault, ...] = (
    "none",
    "refused",
    "lost after acting",
    "lost before acting",
    "killed before",
    "killed after",
)


class Killed(BaseException):
    """The process ended here."""


@dataclass
class FakeList:
    list_id: str
    name: str
    identifier: Identifier
    members: set[str]


@dataclass
class FakePinterest:
    """Implements AudienceApi. *faults* gives what happens to each write in turn, then nothing does."""

    faults: Iterator[Fault] = field(default_factory=lambda: iter(()))
    largest: int = 1_000_000
    by_list: dict[str, FakeList] = field(default_factory=dict)
    by_audience: dict[str, Audience] = field(default_factory=dict)
    writes: list[tuple[str, int]] = field(default_factory=list)
    """(verb, members) of every write that was taken."""
    closed: int = 0
    next_id: int = 100

    def lists(self) -> list[CustomerList]:
        return [CustomerList(one.list_id, one.name) for one in self.by_list.values()]

    def audiences(self) -> list[Audience]:
        return list(self.by_audience.values())

    def audience(self, audience_id: str) -> Audience:
        if audience_id not in self.by_audience:
            raise NotFound("no such audience", status=404)
        return self.by_audience[audience_id]

    def create_list(self, name: str, identifier: Identifier, records: bytes) -> CustomerList:
        members = self._split(records)
        made = FakeList(self._new_id(), name, identifier, set(members))
        self._write("create list", len(members), lambda: self.by_list.update({made.list_id: made}))
        return CustomerList(made.list_id, name)

    def add(self, list_id: str, records: bytes) -> None:
        members = self._split(records)
        self._write("add", len(members), lambda: self.by_list[list_id].members.update(members))

    def remove(self, list_id: str, records: bytes) -> None:
        members = self._split(records)
        self._write("remove", len(members), lambda: self.by_list[list_id].members.difference_update(members))

    def create_audience(self, name: str, description: str, list_id: str) -> Audience:
        made = Audience(self._new_id(), name, list_id)
        self._write("create audience", 0, lambda: self.by_audience.update({made.audience_id: made}))
        return made

    def close(self) -> None:
        self.closed += 1

    def with_audience(self, name: str = "vip", members: frozenset[str] = frozenset()) -> str:
        """An audience that is there already; its id."""
        there = FakeList(self._new_id(), name, Identifier.EMAIL, set(members))
        self.by_list[there.list_id] = there
        audience = Audience(self._new_id(), name, there.list_id)
        self.by_audience[audience.audience_id] = audience
        return audience.audience_id

    def members_of(self, audience_id: str) -> set[str]:
        return self.by_list[self.by_audience[audience_id].list_id].members

    def sizes(self, *verbs: str) -> list[int]:
        return [count for verb, count in self.writes if verb in (verbs or ("create list", "add", "remove"))]

    def _split(self, records: bytes) -> list[str]:
        members = records.decode("ascii").split(",")
        assert all(len(member) == 64 and member == member.lower() for member in members)
        if len(members) > self.largest:
            raise Permanent("too large", status=413)
        return members

    def _write(self, verb: str, count: int, act: Callable[[], None]) -> None:
        fault = next(self.faults, "none")
        if fault == "killed before":
            raise Killed
        if fault == "refused":
            raise Transient("try again later", status=429)
        if fault == "lost before acting":
            raise OutcomeUnknown("no answer")
        act()
        self.writes.append((verb, count))
        if fault == "killed after":
            raise Killed
        if fault == "lost after acting":
            raise OutcomeUnknown("no answer")

    def _new_id(self) -> str:
        self.next_id += 1
        return str(self.next_id)
