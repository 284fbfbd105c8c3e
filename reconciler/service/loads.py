"""Bulk loads: what is read from where into which table, and when."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Final

import orjson

from reconciler.errors import Transient
from reconciler.model.files import PathError, check_table_file
from reconciler.model.json import Json
from reconciler.ports.clock import Clock
from reconciler.service.answers import ApiError, invalid, not_found
from reconciler.service.catalog import Catalog
from reconciler.service.jobs import NewJob
from reconciler.service.masking import MASK, holds_mask, masked
from reconciler.service.ports import Sealer
from reconciler.service.requests import Call
from reconciler.service.schedules import Schedules, Timing
from reconciler.service.storage import Storage

MODES: Final = ("append", "replace", "replace_on_new_data", "upsert")
"""What becomes of the rows that are there. The vendor has no `upsert`: with it, `out.key` names what a row is known by."""
_UNSCHEDULED: Final = Timing(None, "UTC", 0)
_SET: Final = "set-"
"""What an identity begins with that a load has since somebody set its position."""
_LARGEST_CONFIG_BYTES: Final = 65_535  # documented ceiling


@dataclass(frozen=True, slots=True)
class Standing:
    """How a load is known in a file that it fills.

    position: what somebody set since the load last ran; None where nobody did, and what the file says counts.
    others: identities of the other loads there are.
    """

    name: str
    identity: str
    position: Mapping[str, Json] | None
    others: frozenset[str]


class Loads:
    """Bulk loads of the account."""

    def __init__(self, storage: Storage, catalog: Catalog, schedules: Schedules, sealer: Sealer, clock: Clock) -> None:
        """Keep them in *storage*."""
        self._storage = storage
        self._catalog = catalog
        self._schedules = schedules
        self._sealer = sealer
        self._clock = clock

    def all(self) -> list[dict[str, Any]]:
        """All bulk loads as the vendor lists them, by name."""
        return [_shown(row) for row in self._storage.all("SELECT * FROM bulk_loads ORDER BY name")]

    def get(self, name: str) -> dict[str, Any]:
        """One bulk load as the vendor shows it."""
        return _shown(self.row(name))

    def create(self, call: Call) -> dict[str, Any]:
        """Make a bulk load. 409 when the name is taken."""
        name = call.required("name")
        config = read_config(call.fields.get("config"), call.text("time_column"))
        check_place(config, call.text("database"), call.text("table"))
        values: dict[str, Any] = {
            "database": "",
            "table": "",
            **self._config(config),
            "cron": None,
            "timezone": "UTC",
            "delay": 0,
            "identity": secrets.token_hex(8),
            **self._changes(call, _UNSCHEDULED),
            "name": name,
            "created_at": int(self._clock.now()),
        }
        columns = ", ".join(f'"{column}"' for column in values)
        marks = ", ".join("?" * len(values))
        try:
            self._storage.run(f"INSERT INTO bulk_loads ({columns}) VALUES ({marks})", *values.values())
        except sqlite3.IntegrityError as error:
            raise ApiError(409, f"Bulk load {name!r} already exists") from error
        return self.get(name)

    def update(self, name: str, call: Call) -> dict[str, Any]:
        """Change the given fields only. A new `config` replaces the old one as a whole."""
        with self._storage.transaction():
            row = self.row(name)
            changes = self._changes(call, Timing(row["cron"], row["timezone"], row["delay"]))
            if "config" in call.fields or "time_column" in call.fields:
                config = call.fields.get("config") or open_config(row["config"], self._sealer)
                time_column = call.text("time_column") if "time_column" in call.fields else row["time_column"] or ""
                changes.update(self._config(read_config(config, time_column)))
            before, config = (
                open_config(one, self._sealer) for one in (row["config"], changes.get("config", row["config"]))
            )
            check_place(config, changes.get("database", row["database"]), changes.get("table", row["table"]))
            if into_file(before["out"]) is not into_file(config["out"]):
                # Where reading stopped is known of rows that it leaves.
                changes = {"config_diff": "{}", "identity": secrets.token_hex(8), **changes}
            new_name = call.text("name") or name
            changes["name"] = new_name
            assignments = ", ".join(f'"{column}" = ?' for column in changes)
            try:
                self._storage.run(f"UPDATE bulk_loads SET {assignments} WHERE id = ?", *changes.values(), row["id"])
            except sqlite3.IntegrityError as error:
                raise ApiError(409, f"Bulk load {new_name!r} already exists") from error
        return self.get(new_name)

    def position(self, load_id: int | None) -> dict[str, Json]:
        """What the last stored run of a load left behind; empty for runs of none."""
        row = self._storage.one("SELECT config_diff FROM bulk_loads WHERE id = ?", load_id)
        told: dict[str, Json] = {} if row is None else orjson.loads(row["config_diff"])
        return told

    def refuse_overtaken(self, load_id: int | None, began: Mapping[str, Json], place: str) -> None:
        """Let a run write into *place* only while its load, if it is there, stands where the run *began* to read.

        Raises:
            Transient: it stands elsewhere.
        """
        row = self._storage.one("SELECT name, config_diff FROM bulk_loads WHERE id = ?", load_id)
        if row is not None and orjson.loads(row["config_diff"]) != began:
            raise overtaken(row["name"], place)

    def standing(self, load_id: int | None) -> Standing | None:
        """How a load is known in a file that it fills; None for runs of none."""
        row = self._storage.one("SELECT * FROM bulk_loads WHERE id = ?", load_id)
        if row is None:
            return None
        others = self._storage.all("SELECT identity FROM bulk_loads WHERE id != ?", load_id)
        return Standing(
            row["name"],
            row["identity"].removeprefix(_SET),
            orjson.loads(row["config_diff"]) if row["identity"].startswith(_SET) else None,
            frozenset(other["identity"].removeprefix(_SET) for other in others),
        )

    def remember(self, load_id: int, position: Mapping[str, Json]) -> None:
        """Keep what a stored run left behind, where it reads back as `config_diff`."""
        self._storage.run(
            "UPDATE bulk_loads SET config_diff = ? WHERE id = ?", orjson.dumps(dict(position)).decode(), load_id
        )

    def landed(self, load_id: int, standing: Standing, position: Mapping[str, Json]) -> None:
        """Show what a run left behind in its file, where it counts, unless somebody set another position meanwhile."""
        self._storage.run(
            "UPDATE bulk_loads SET config_diff = ?, identity = ? WHERE id = ? AND identity IN (?, ?)",
            *(orjson.dumps(dict(position)).decode(), standing.identity, load_id),
            *(standing.identity, _SET + standing.identity),
        )

    def one_step(self) -> AbstractContextManager[None]:
        """What is written inside, of loads, jobs and tables, is there whole or not at all."""
        return self._storage.transaction()

    def delete(self, name: str) -> dict[str, Any]:
        """Remove a bulk load and return what it was; its jobs stay."""
        with self._storage.transaction():
            row = self.row(name)
            self._storage.run("DELETE FROM bulk_loads WHERE id = ?", row["id"])
        return _shown(row)

    def row(self, name: str) -> sqlite3.Row:
        """The stored row of a bulk load that must exist."""
        row = self._storage.one("SELECT * FROM bulk_loads WHERE name = ?", name)
        if row is None:
            raise not_found("BulkLoad", name=name)
        return row

    def _changes(self, call: Call, current: Timing) -> dict[str, Any]:
        changes: dict[str, Any] = {"updated_at": int(self._clock.now())}
        if "database" in call.fields:
            changes["database"] = call.text("database")
            if changes["database"]:
                self._catalog.database_id(changes["database"])
        if "table" in call.fields:
            changes["table"] = call.text("table")
        if "config_diff" in call.fields:
            changes["config_diff"] = orjson.dumps(_object(call.fields["config_diff"], "Config diff")).decode()
            # What files know of the load until now is of another one from then on.
            changes["identity"] = _SET + secrets.token_hex(8)
        timing = self._schedules.read(call, current)
        if timing != current:
            next_time = self._schedules.next_time(timing)
            changes |= {"cron": timing.cron, "timezone": timing.timezone, "delay": timing.delay, "next_time": next_time}
            changes["due_at"] = None if next_time is None else next_time + timing.delay
        return changes

    def _config(self, config: dict[str, Json]) -> dict[str, Any]:
        out = config["out"]
        return {
            "config": seal_config(config, self._sealer),
            "shown": orjson.dumps(masked(config)).decode(),
            "time_column": out.get("time_column") if isinstance(out, Mapping) else None,
        }


def overtaken(load: str, place: str) -> Transient:
    """What is said of a run whose rows another run may have brought meanwhile: *place* is as it was left by that one."""
    return Transient(
        f"where import {load} stopped in {place} was changed while this run read, so its rows may be there already",
        hint="nothing of this run was written; run it again, and it reads on from where that one stopped",
    )


def read_config(value: object, time_column: str) -> dict[str, Json]:
    """A configuration with all four parts; `time_column` of the request goes into `out`, where the vendor keeps it.

    Raises:
        ApiError: 422 for what is no configuration, too large, or has an unknown mode.
    """
    config = _object(value or {}, "Config")
    if len(orjson.dumps(config)) > _LARGEST_CONFIG_BYTES:
        raise invalid(f"Config is too long (maximum is {_LARGEST_CONFIG_BYTES} bytes)")
    parts = {name: _object(config.get(name) or {}, f"Config {name}") for name in ("in", "out", "exec")}
    if holds_mask(parts["in"]):
        raise invalid(f"Config in holds a masked value ({MASK}): write the secret itself")
    filters = config.get("filters") or []
    if not isinstance(filters, list):
        raise invalid("Config filters is not a JSON array")
    out = dict(parts["out"])
    if into_file(out):
        _check_path(out.get("path"))
    mode = out.get("mode", "append")
    if mode not in MODES:
        raise invalid(f"Config out.mode is not included in the list: {mode!r}; use one of {', '.join(MODES)}")
    if mode == "upsert" and not _is_key(out.get("key")):
        raise invalid("Config out.key is not a list of columns, by which `upsert` knows a row")
    if time_column:
        out["time_column"] = time_column
    return {"in": parts["in"], "filters": filters, "exec": parts["exec"], "out": out}


def into_file(out: object) -> bool:
    """Whether a load fills a Parquet file, which the embedded service alone can: `out: {type: files, path: …}`."""
    return isinstance(out, Mapping) and out.get("type") == "files"


def _check_path(path: object) -> None:
    if not isinstance(path, str):
        raise invalid("Config out.path can't be blank")
    try:
        check_table_file(path)
    except PathError as error:
        raise invalid(f"Config out.{error}") from error


def check_place(config: Mapping[str, Any], database: str, table: str) -> None:
    """A load fills a table of a database, or a file.

    Raises:
        ApiError: 422 for neither, and for both.
    """
    if not into_file(config["out"]):
        if not database.strip():
            raise ApiError(422, "'database' parameter is required")
    elif database or table:
        raise invalid("Config out.type is files: a load into a file has neither database nor table")


def _is_key(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(name, str) and name for name in value)


def seal_config(config: Mapping[str, Json], sealer: Sealer) -> bytes:
    """The configuration as stored."""
    return sealer.seal(orjson.dumps(config))


def open_config(sealed: bytes, sealer: Sealer) -> dict[str, Json]:
    """The configuration with its secrets, for a run."""
    config: dict[str, Json] = orjson.loads(sealer.open(sealed))
    return config


def run_of(row: sqlite3.Row, scheduled_time: int, domain_key: str) -> NewJob:
    """The job that runs a bulk load as of *scheduled_time*."""
    return NewJob(
        type="bulkload",
        database=row["database"],
        table=row["table"],
        config=row["config"],
        domain_key=domain_key or None,
        scheduled_time=scheduled_time,
        load_id=row["id"],
    )


def run_record(load: sqlite3.Row, job: sqlite3.Row) -> dict[str, Any]:
    """One run of a bulk load; times in Unix seconds. Source: td-client-ruby tests."""
    return {
        "job_id": str(job["id"]),
        "account_id": 1,
        "status": job["status"],
        "records": job["num_records"] or 0,
        "schema": None,
        "config": _shown(load)["config"],
        "database": {"id": 0, "name": job["database"]},
        "table": {"id": 0, "name": job["table"]},
        "priority": job["priority"],
        "type": "bulkload",
        "cpu_time": None,
        "created_at": int(job["created_at"]),
        "updated_at": int(job["updated_at"]),
        "start_at": None if job["start_at"] is None else int(job["start_at"]),
        "end_at": None if job["end_at"] is None else int(job["end_at"]),
    }


def _object(value: object, what: str) -> dict[str, Any]:
    if isinstance(value, str):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError as error:
            raise invalid(f"{what} is not a JSON object") from error
    if not isinstance(value, dict):
        raise invalid(f"{what} is not a JSON object")
    return value


def _shown(row: sqlite3.Row) -> dict[str, Any]:
    config = orjson.loads(row["shown"])
    # The service rewrites `out` and never tells what was sent. Source: documentation of `connector:show`.
    if not into_file(config["out"]):
        dataset = f"1/{row['database']}/{row['table']}_{row['id']}"
        config["out"] = {"type": "td_internal", "plazma_dataset": dataset, "mode": "append", **config["out"]}
    return {
        "id": row["id"],
        "name": row["name"],
        "cron": row["cron"],
        "timezone": row["timezone"],
        "delay": row["delay"],
        "start_at": row["start_at"],
        "database": row["database"],
        "table": row["table"],
        "time_column": row["time_column"],
        "config": config,
        "config_diff": orjson.loads(row["config_diff"]),
    }
