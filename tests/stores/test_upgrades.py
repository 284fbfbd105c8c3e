"""States of earlier versions are read, written anew by whoever writes, and never by whoever only looks."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.errors import StateError
from reconciler.model.address import Address
from reconciler.model.record import Record
from reconciler.model.spec import OnDelete
from reconciler.model.upgrades import SCHEMA_VERSION, UPGRADES, NewerError, upgraded
from reconciler.stores import journal
from reconciler.stores.local import LocalStore

NEWER = SCHEMA_VERSION + 1
GOLDEN = Path(__file__).parent / "golden" / "v1"
LINEAGE = "5f0f6c0e-6f1e-4d8a-9f0e-2b8f6f1c7a11"
VIP, CRM, DAILY = Address("audience", "vip"), Address("connection", "crm"), Address("query", "daily")
RECORDS = {
    VIP: Record(
        "2542620905475",
        {"title": "VIP", "description": None},
        depends_on=(CRM,),
        protect=True,
        on_delete=OnDelete.FORGET,
        resolved={"mode": "REPLACE_CURRENT_AUDIENCE"},
        phase="created",
        unseen_since="2026-02-01T00:00:00Z",
    ),
    CRM: Record("9", {"type": "pinterest"}, fingerprints={"/client_secret": "k1:" + "ab" * 16}),
    DAILY: Record("daily", {"sql": "SELECT 1"}),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("state.json", "journal.jsonl"):
        shutil.copy(GOLDEN / name, tmp_path / name)
    return tmp_path


def test_a_state_of_the_first_version_is_read_whole(folder: Path) -> None:
    snapshot = LocalStore(folder, "prod", project="shop").read()

    assert dict(snapshot.state.records) == RECORDS
    assert (snapshot.state.lineage, snapshot.state.serial, snapshot.state.project) == (LINEAGE, 4, "shop")
    assert [(entry.op, entry.step) for entry in snapshot.unfinished] == [("op2", "update")]


def test_reading_an_earlier_version_writes_nothing(folder: Path) -> None:
    LocalStore(folder, "prod", project="shop").read()

    assert (folder / "state.json").read_bytes() == (GOLDEN / "state.json").read_bytes()
    assert (folder / "journal.jsonl").read_bytes() == (GOLDEN / "journal.jsonl").read_bytes()


def test_whoever_writes_anyway_writes_the_version_of_today(folder: Path) -> None:
    store = LocalStore(folder, "prod", project="shop")
    with store.lock("apply", "r2", 0):
        state = store.read().state
        store.checkpoint(replace(state, serial=state.serial + 1), state.serial)

    written = json.loads((folder / "state.json").read_bytes())
    assert (written["format_version"], written["project"]) == ("1.1", "shop")
    assert {record["schema_version"] for record in written["resources"].values()} == {SCHEMA_VERSION}
    assert dict(LocalStore(folder, "prod", project="shop").read().state.records) == RECORDS


def test_every_earlier_version_has_the_step_to_the_next() -> None:
    assert sorted(UPGRADES) == list(range(1, SCHEMA_VERSION))


def test_an_upgrade_leaves_what_it_was_given_as_it_was() -> None:
    before = json.loads((GOLDEN / "state.json").read_bytes())["resources"]["audience/vip"]
    copy = json.loads(json.dumps(before))

    added = {"absent_since": "", "made_of": "", "written_by": "", "schema_version": SCHEMA_VERSION}
    assert upgraded(before) == copy | added
    assert before == copy


@pytest.mark.parametrize(
    ("applied", "expected"),
    [
        (
            {
                "name": "crm",
                "source": {"type": "files", "paths": ["a.csv"], "columns": [["n", "long"]], "optional": ["n"]},
            },
            {"name": "crm", "source": {"type": "files", "paths": ["a.csv"], "optional": ["n"]}},
        ),
        ({"source": {"type": "other", "columns": []}}, {"source": {"type": "other", "columns": []}}),
        ({"name": "t", "columns": [["n", "long"]]}, {"name": "t", "columns": [["n", "long"]]}),
    ],
)
def test_an_import_of_the_second_version_forgets_the_columns_that_its_table_has(
    applied: dict[str, object], expected: dict[str, object]
) -> None:
    assert upgraded({"schema_version": 2, "applied": applied}) == {
        "schema_version": SCHEMA_VERSION,
        "applied": expected,
        "made_of": "",
        "written_by": "",
    }


@pytest.mark.parametrize("version", [0, "one", None])
def test_a_version_that_never_was_is_refused(version: object) -> None:
    with pytest.raises((KeyError, ValueError)):
        upgraded({"schema_version": version})


def test_a_newer_record_is_refused() -> None:
    with pytest.raises(NewerError, match=f"schema version {NEWER}; this tdr reads {SCHEMA_VERSION}"):
        upgraded({"schema_version": NEWER})


def test_a_newer_record_in_the_journal_says_what_to_install(folder: Path) -> None:
    newer = journal.decode((folder / "journal.jsonl").read_bytes()).lines[1]
    assert newer.entry.record is not None
    record = replace(newer.entry.record, schema_version=NEWER)
    line = journal.Line(replace(newer.entry, record=record), 5)
    (folder / "journal.jsonl").write_bytes((GOLDEN / "journal.jsonl").read_bytes() + journal.encode(line))

    with pytest.raises(StateError, match=f"schema version {NEWER}") as refused:
        LocalStore(folder, "prod").read()

    assert refused.value.hint == "install a newer tdr"


def test_the_state_of_another_project_is_refused(tmp_path: Path) -> None:
    with LocalStore(tmp_path, "prod", project="shop").lock("apply", "r1", 0):
        pass

    with pytest.raises(StateError) as refused:
        LocalStore(tmp_path, "prod", project="club").read()

    assert refused.value.message == f"{tmp_path / 'state.json'} is the state of project 'shop', not of 'club'"
