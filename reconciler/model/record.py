"""What state remembers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from reconciler.model.address import Address
from reconciler.model.json import Json
from reconciler.model.spec import OnDelete
from reconciler.model.upgrades import SCHEMA_VERSION, upgraded


@dataclass(frozen=True, slots=True)
class Record:
    """State's memory of one resource.

    remote_id: the vendor's id.
    applied: the comparable fields as last applied, without secrets.
    fingerprints: JSON pointer of each secret field -> keyed fingerprint of the value last applied.
    depends_on: addresses named when it was last applied, sorted; deletes follow them backwards.
    protect, on_delete: the lifecycle as last applied, so that they outlive the document.
    resolved: what an engine decision came to, such as ``{"mode": "REPLACE_CURRENT_AUDIENCE"}``.
    phase: "" when steady, else the bootstrap step last proven (see `engine.bootstrap`).
    unseen_since: RFC 3339 time of a create that no look has confirmed yet, or "".
    absent_since: RFC 3339 time of the first look that did not find it, while no later look has settled that, or "".
    made_of: digest of what was written for it, see `engine.making`; "" when that is not known.
    written_by: the release of tdr that last applied it, or "".
    """

    remote_id: str
    applied: Mapping[str, Json]
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    depends_on: tuple[Address, ...] = ()
    protect: bool = False
    on_delete: OnDelete = OnDelete.DELETE
    resolved: Mapping[str, Json] = field(default_factory=dict)
    phase: str = ""
    unseen_since: str = ""
    absent_since: str = ""
    made_of: str = ""
    written_by: str = ""
    schema_version: int = SCHEMA_VERSION

    def to_json(self) -> dict[str, Json]:
        """As it stands in the state file."""
        return {
            "id": self.remote_id,
            "applied": dict(self.applied),
            "fingerprints": dict(self.fingerprints),
            "depends_on": [str(address) for address in self.depends_on],
            "lifecycle": {"protect": self.protect, "on_delete": self.on_delete.value},
            "resolved": dict(self.resolved),
            "phase": self.phase,
            "unseen_since": self.unseen_since,
            "absent_since": self.absent_since,
            "made_of": self.made_of,
            "written_by": self.written_by,
            "schema_version": self.schema_version,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> Record:
        """Read what `to_json` wrote, now or in an earlier version.

        Raises:
            NewerError: a newer tdr wrote it.
            KeyError, TypeError, ValueError: it was not written by us; the store turns this into a StateError.
        """
        data = upgraded(data)
        lifecycle, fingerprints = _mapping(data["lifecycle"]), _mapping(data["fingerprints"])
        depends_on = data["depends_on"]
        if not isinstance(depends_on, list):
            raise TypeError("depends_on")
        return cls(
            remote_id=str(data["id"]),
            applied=_mapping(data["applied"]),
            fingerprints={path: str(value) for path, value in fingerprints.items()} if fingerprints else {},
            depends_on=tuple(map(Address.parse, depends_on)),
            protect=bool(lifecycle["protect"]),
            on_delete=OnDelete(str(lifecycle["on_delete"])),
            resolved=_mapping(data["resolved"]),
            phase=str(data["phase"]),
            unseen_since=str(data["unseen_since"]),
            absent_since=str(data["absent_since"]),
            made_of=str(data["made_of"]),
            written_by=str(data["written_by"]),
        )


def _mapping(value: object) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise TypeError(type(value).__name__)
    return value


@dataclass(frozen=True, slots=True)
class State:
    """Everything remembered of one environment.

    lineage: made once per environment; two states of different lineage never mix.
    serial: grows with every write.
    accounts: vendor -> account this state belongs to, such as ``{"treasure_data": "local/1"}``.
    consumed_plans: ids of saved plans already applied, oldest first.
    project: name of the project it belongs to; "" in a state that was written before states named theirs.
    """

    lineage: str
    environment: str
    serial: int = 0
    accounts: Mapping[str, str] = field(default_factory=dict)
    records: Mapping[Address, Record] = field(default_factory=dict)
    consumed_plans: tuple[str, ...] = ()
    project: str = ""

    def with_record(self, address: Address, record: Record | None) -> State:
        """A copy in which *address* is remembered as *record*, or not at all. The serial grows by one."""
        records = dict(self.records)
        if record is None:
            records.pop(address, None)
        else:
            records[address] = record
        return replace(self, records=records, serial=self.serial + 1)
