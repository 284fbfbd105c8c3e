"""A run that is killed at any touch of the disk leaves a state that is true and can be gone on with."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from crash_driver import address, expected
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.errors import StateError
from reconciler.model.address import Address
from reconciler.model.record import Record
from reconciler.ports.store import Entry, Phase
from reconciler.stores.local import LocalStore

DRIVER = Path(__file__).with_name("crash_driver.py")


@pytest.mark.parametrize("where", ["before", "in"])
def test_a_kill_at_any_touch_of_the_disk_loses_nothing_acknowledged(tmp_path: Path, where: str) -> None:
    subprocess.run([sys.executable, DRIVER, tmp_path, where], check=True, timeout=120)

    crashes = sorted(int(place.name) for place in tmp_path.iterdir())
    assert len(crashes) > 25
    for crash in crashes:
        _check_after_crash(tmp_path / str(crash))


def _check_after_crash(place: Path) -> None:
    log = place / "acknowledged"
    acknowledged = [int(line) for line in log.read_text().split()] if log.exists() else []
    store = LocalStore(place / "state", "prod")
    snapshot = store.read()
    serial = snapshot.state.serial

    # The last acknowledged step is there; the one under way may be.
    assert serial in {max(acknowledged, default=0), max(acknowledged, default=0) + 1}, place
    assert snapshot.state == expected(snapshot.state.lineage, serial), place
    begun = {entry.op for entry in snapshot.unfinished}
    assert begun <= {"left-open", f"op{serial + 1}"}, place
    if serial > 0:
        assert "left-open" in begun, place

    # The dead run's lock is nobody's, and work goes on at once.
    record = Record("new", {})
    with store.lock("apply", "r2", 0):
        store.append(Entry("next", Phase.DONE, "create", address(99), 3.0, remembers=True, record=record))
        store.checkpoint(store.read().state, serial + 1)
    after = LocalStore(place / "state", "prod").read()
    assert after.state == snapshot.state.with_record(address(99), record), place
    assert after.unfinished == snapshot.unfinished, place


@pytest.fixture(scope="module")
def journal_of_three(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state whose journal ends in three remembering lines."""
    folder = tmp_path_factory.mktemp("torn") / "state"
    store = LocalStore(folder, "prod")
    with store.lock("apply", "r1", 0):
        for number in (1, 2, 3):
            record = Record(str(number), {"title": f"日本 {number}"})
            entry = Entry(f"op{number}", Phase.DONE, "create", address(number), 1.0, remembers=True, record=record)
            store.append(entry)
    return folder


def _copy(folder: Path, to: Path, journal: bytes) -> LocalStore:
    to.mkdir()
    (to / "state.json").write_bytes((folder / "state.json").read_bytes())
    (to / "journal.jsonl").write_bytes(journal)
    return LocalStore(to, "prod")


def test_a_last_line_torn_at_any_byte_is_as_if_never_written(journal_of_three: Path, tmp_path: Path) -> None:
    whole = (journal_of_three / "journal.jsonl").read_bytes()
    last = whole.rindex(b"\n", 0, -1) + 1
    before = {address(1), address(2)}
    for cut in range(last, len(whole)):
        for name, tail in (("cut", b""), ("zeros", b"\0" * (len(whole) - cut))):
            store = _copy(journal_of_three, tmp_path / f"{name}-{cut}", whole[:cut] + tail)
            assert set(store.read().state.records) == before, (name, cut)

    record = Record("9", {})
    with store.lock("apply", "r2", 0):
        store.append(Entry("op9", Phase.DONE, "create", address(9), 1.0, remembers=True, record=record))
    assert set(LocalStore(tmp_path / f"zeros-{cut}", "prod").read().state.records) == {*before, address(9)}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(data=st.data())
def test_a_changed_byte_is_never_taken_for_what_was_written(
    journal_of_three: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    whole = bytearray((journal_of_three / "journal.jsonl").read_bytes())
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    store = _copy(journal_of_three, tmp_path_factory.mktemp("flip") / "state", bytes(whole))
    try:
        records = store.read().state.records
    except StateError as error:
        assert "journal.jsonl" in error.message  # noqa: PT017 - either answer is right, and each has its own claim
    else:
        # Only the last line can be taken for one that was never finished.
        assert set(records) == {address(1), address(2)}


def test_a_line_damaged_in_the_middle_is_refused_and_kept(journal_of_three: Path, tmp_path: Path) -> None:
    whole = (journal_of_three / "journal.jsonl").read_bytes()
    damaged = whole.replace(b'"op":"op2"', b'"op":"xx2"')
    store = _copy(journal_of_three, tmp_path / "state", damaged)

    with pytest.raises(StateError, match=r"journal\.jsonl has a damaged line 3 of 4"):
        store.read()
    with pytest.raises(StateError, match="damaged line 3"), store.lock("apply", "r2", 0):
        store.append(Entry("op9", Phase.INTENT, "create", Address("audience", "x"), 1.0))
    assert (tmp_path / "state" / "journal.jsonl").read_bytes() == damaged


def test_a_missing_line_is_noticed(journal_of_three: Path, tmp_path: Path) -> None:
    lines = (journal_of_three / "journal.jsonl").read_bytes().splitlines(keepends=True)
    store = _copy(journal_of_three, tmp_path / "state", lines[0] + lines[1] + lines[3])

    with pytest.raises(StateError, match="goes on with serial 3 where the state has 1; lines are missing"):
        store.read()


def test_a_journal_of_another_state_is_refused(journal_of_three: Path, tmp_path: Path) -> None:
    other = LocalStore(tmp_path / "other", "prod")
    other.read()
    store = _copy(tmp_path / "other", tmp_path / "state", (journal_of_three / "journal.jsonl").read_bytes())

    with pytest.raises(StateError, match="belongs to lineage"):
        store.read()
