"""Everything that this org knows."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from reconciler.emulators.salesforce import ids
from reconciler.emulators.salesforce.jobs import Job
from reconciler.emulators.salesforce.knobs import Knobs
from reconciler.emulators.salesforce.records import Record, Records
from reconciler.emulators.salesforce.schema import SObject
from reconciler.emulators.salesforce.sessions import Sessions
from reconciler.emulators.salesforce.values import RowError, in_csv, stamp
from reconciler.emulators.salesforce.writing import Outcome, Row, Writer
from reconciler.emulators.timeline import Timeline
from reconciler.model.json import Json

MODEL_S = 1_767_225_600.0  # when the objects were last changed: 1 January 2026
USERNAME = "runner@example.com"


@dataclass(slots=True)
class Lock:
    """Rows whose *field* holds *value* cannot be locked, *times* times. A value ``*`` is any.

    unless_serial: whether they can where batches go one at a time.
    """

    field: str
    value: str
    times: int
    unless_serial: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """A validation rule that somebody made in the org: no record is made or changed whose *field* holds *value*."""

    field: str
    value: str
    message: str


@dataclass(frozen=True, slots=True)
class Breakage:
    """The next job or batch commits *rows* rows, then fails with *message*, such as ``Timeout : ...``."""

    rows: int
    message: str


class World:
    """Records, jobs and sessions of one org."""

    def __init__(self, objects: Iterable[SObject], *, sessions: Sessions, knobs: Knobs, timeline: Timeline) -> None:
        """Start with the user that the app runs as, and nothing else."""
        self.knobs = knobs
        self.timeline = timeline
        self.sessions = sessions
        self.records = Records(objects)
        self.objects = self.records.objects
        self.jobs: dict[str, Job] = {}
        self.locks: list[Lock] = []
        self.rules: list[Rule] = []
        self.breakages: list[Breakage] = []
        self.calls = 0
        self.batches = 0
        self.routes: Counter[str] = Counter()
        self.pages: dict[str, list[dict[str, Json]]] = {}
        self.altered_at = MODEL_S
        self._numbers: dict[str, itertools.count[int]] = {}
        self.clear()

    def clear(self) -> None:
        """Back to the start."""
        self.records.clear()
        self.jobs.clear()
        self.locks.clear()
        self.rules.clear()
        self.breakages.clear()
        self.routes.clear()
        self.pages.clear()
        self.sessions.clear()
        self.calls = self.batches = 0
        self.altered_at = MODEL_S
        self._numbers = {}
        self.records.add(self.objects["user"], {"Username": USERNAME, "Name": "Integration runner"})

    def alter(
        self, object_name: str, fields: Mapping[str, Mapping[str, Json] | None], rights: Mapping[str, Json]
    ) -> None:
        """An administrator changes an object, or what the user may do to it; see `SObject.altered`."""
        self.records.redefine(self.objects[object_name.lower()].altered(fields, rights))
        self.altered_at = self.timeline.now()

    def hide(self, object_name: str) -> None:
        """The user may not see an object any more, as if it were not there."""
        del self.objects[object_name.lower()]
        self.altered_at = self.timeline.now()

    def now(self) -> str:
        """As JSON has it."""
        return stamp(datetime.fromtimestamp(self.timeline.now(), UTC))

    def next_id(self, prefix: str) -> str:
        """A new id of jobs (750), batches (751), results (752) and the like."""
        return ids.numbered(prefix, next(self._numbers.setdefault(prefix, itertools.count(1))))

    def put(self, object_name: str, rows: Iterable[Mapping[str, Json]]) -> list[str]:
        """Records that are there without anybody asking the API; returns their ids.

        Raises:
            ValueError: a row is not taken.
        """
        sobject = self.objects[object_name.lower()]
        made = list(rows)
        outcomes = self._inserted(sobject, made)
        for number, outcome in enumerate(outcomes, 1):
            if outcome.error is not None:
                raise ValueError(f"row {number}: {outcome.error.code} in {', '.join(outcome.error.fields)}")
        return [outcome.id for outcome in outcomes]

    def _inserted(self, sobject: SObject, rows: list[Mapping[str, Json]]) -> list[Outcome]:
        """Rows written by nobody, so that locks do not count."""
        kept, self.locks = self.locks, []
        try:
            writer = Writer(self, "insert", sobject, None)
            writer.read_headers(dict.fromkeys(name for row in rows for name in row))
            return writer.write(rows)
        finally:
            self.locks = kept

    def shown(self, object_name: str, *, deleted: bool = False) -> list[dict[str, Json]]:
        """The records of an object with Id and what is not null, after all work under way."""
        self.settle()
        found = self.records.all(self.objects[object_name.lower()], deleted=deleted)
        return [{"Id": one.id, **one.values, **({"IsDeleted": True} if one.deleted else {})} for one in found]

    def settle(self) -> None:
        """End all work under way: its effects show, also to those who do not ask for its state."""
        for job in list(self.jobs.values()):
            job.work(self)

    def check_rules(self, values: Row) -> None:
        """Refuse values that a rule of the org is against.

        Raises:
            RowError: FIELD_CUSTOM_VALIDATION_EXCEPTION.
        """
        for rule in self.rules:
            if in_csv(values.get(rule.field)) == rule.value:
                raise RowError("FIELD_CUSTOM_VALIDATION_EXCEPTION", rule.message, rule.field)

    def check_lock(self, sobject: SObject, row: Row, target: Record | None, *, is_serial: bool) -> None:
        """Refuse a row that is locked still.

        Raises:
            RowError: UNABLE_TO_LOCK_ROW.
        """
        told = {name.lower(): value for name, value in row.items()}
        for lock in self.locks:
            column = sobject.column(lock.field)
            held = told.get(lock.field.lower())
            if held is None and target is not None and column is not None:
                held = target.get(column.name)
            if is_serial and lock.unless_serial:
                continue
            if lock.times > 0 and (lock.value == "*" or in_csv(held) == lock.value):
                lock.times -= 1
                where = target.id if target is not None else sobject.prefix
                message = f"unable to obtain exclusive access to this record or 1 records: {where}"
                raise RowError("UNABLE_TO_LOCK_ROW", message)
