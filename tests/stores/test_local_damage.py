"""Damage is refused, named and kept; a folder that cannot be written keeps what it has."""

from __future__ import annotations

import errno
import json
import os
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from reconciler.errors import StateError
from reconciler.model.address import Address
from reconciler.model.json import digest
from reconciler.model.record import Record, State
from reconciler.ports.store import Entry, Phase
from reconciler.stores.files import Disk
from reconciler.stores.local import LocalStore

VIP = Address("audience", "vip")
VIP_REMEMBERED = Entry("op1", Phase.DONE, "create", VIP, 1.0, remembers=True, record=Record("1", {}))


def _filled(folder: Path) -> LocalStore:
    """State of serial 3, with 0 and 1 in history and 3 in the journal."""
    store = LocalStore(folder, "prod")
    state = store.read().state
    with store.lock("apply", "r1", 0):
        for _ in range(2):
            previous, state = state, state.with_record(VIP, Record("1", {"title": "VIP"}))
            store.checkpoint(state, previous.serial)
        store.append(VIP_REMEMBERED)
    return store


def _resealed(whole: bytes, **changes: object) -> bytes:
    body = json.loads(whole) | changes
    del body["digest"]
    return json.dumps(body | {"digest": digest(body)}).encode()


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda whole: whole[: len(whole) // 2], "is torn or not JSON"),
        (lambda _: b"", "is empty"),
        (lambda whole: b"\0" * len(whole), "holds nothing but zero bytes"),
        (lambda whole: b"[" + whole + b"]", "holds a JSON list where an object should be"),
        (lambda whole: whole.replace(b"VIP", b"RIP"), "does not match its digest"),
        (lambda whole: _resealed(whole, format="tdr.plan"), "is not a state: its format is 'tdr.plan'"),
        (lambda whole: _resealed(whole, resources=[]), "has a part that cannot be read"),
        (lambda whole: b"\xff\xfe" + whole, "is torn or not JSON"),
    ],
    ids=["truncated", "zero-length", "all-zero", "list", "digest", "other-format", "other-shape", "not-utf-8"],
)
def test_a_damaged_document_is_named_with_the_way_out_and_kept(tmp_path: Path, damage: object, why: str) -> None:
    _filled(tmp_path)
    path = tmp_path / "state.json"
    damaged = damage(path.read_bytes())  # type: ignore[operator]
    path.write_bytes(damaged)
    store = LocalStore(tmp_path, "prod")

    with pytest.raises(StateError) as read:
        store.read()
    with pytest.raises(StateError), store.lock("apply", "r2", 0):
        store.append(VIP_REMEMBERED)
    with pytest.raises(StateError), store.lock("apply", "r2", 0):
        store.checkpoint(State("any", "prod", 9), 3)

    assert read.value.message.startswith(f"{path} {why}")
    newest = tmp_path / "history" / "1.json"
    assert read.value.hint == f"the newest good state is {newest}; go on from it with `tdr state restore 1`"
    assert path.read_bytes() == damaged


def test_a_damaged_history_entry_is_not_offered(tmp_path: Path) -> None:
    store = _filled(tmp_path)
    (tmp_path / "state.json").write_bytes(b"")
    (tmp_path / "history" / "1.json").write_bytes(b"{}")

    with pytest.raises(StateError) as read:
        store.read()
    assert "`tdr state restore 0`" in read.value.hint
    with pytest.raises(StateError, match=r"history/1\.json is not a state"):
        store.past(1)


def test_a_state_that_is_gone_is_not_an_empty_one(tmp_path: Path) -> None:
    store = _filled(tmp_path)
    (tmp_path / "state.json").unlink()

    with pytest.raises(StateError, match=r"state\.json is missing, but its journal or history is there"):
        store.read()


def test_a_state_of_a_newer_tdr_is_refused_with_the_version_to_install(tmp_path: Path) -> None:
    _filled(tmp_path)
    path = tmp_path / "state.json"
    whole = path.read_bytes()
    for change in (
        {"format_version": "2.0"},
        {"resources": {"audience/vip": json.loads(whole)["resources"]["audience/vip"] | {"schema_version": 99}}},
    ):
        path.write_bytes(_resealed(whole, written_by={"tdr": "9.8.7"}, **change))
        with pytest.raises(StateError) as read:
            LocalStore(tmp_path, "prod").read()
        assert read.value.hint == "install tdr 9.8.7 or newer"


def test_a_state_of_another_environment_is_refused(tmp_path: Path) -> None:
    _filled(tmp_path)

    with pytest.raises(StateError, match="is the state of environment 'prod', not of 'local'"):
        LocalStore(tmp_path, "local").read()


def test_restoring_goes_on_from_history_with_what_the_journal_knows(tmp_path: Path) -> None:
    _filled(tmp_path)
    (tmp_path / "state.json").write_bytes(b"damaged")
    store = LocalStore(tmp_path, "prod")
    base = store.past(0)
    with store.lock("state restore", "r2", 0):
        restored = store.restore(0)

    assert restored == State(base.lineage, "prod", 4, records={VIP: Record("1", {})})
    assert LocalStore(tmp_path, "prod").read().state == restored
    assert (tmp_path / "state.replaced-by-4.json").read_bytes() == b"damaged"


def test_files_are_for_their_owner_and_the_document_is_for_reviewers(tmp_path: Path) -> None:
    _filled(tmp_path)
    names = ["history/0.json", "history/1.json", "journal.jsonl", "lock", "state.json"]

    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()) == names
    assert {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in names} == {0o600}
    text = (tmp_path / "state.json").read_text()
    body = json.loads(text)
    assert text == json.dumps(body, indent=2, sort_keys=True) + "\n"
    assert body["digest"] == digest({key: value for key, value in body.items() if key != "digest"})
    assert (body["format"], body["format_version"], body["serial"]) == ("tdr.state", "1.1", 2)
    assert body["written_by"]["run"] == "r1"


class Failing(Disk):
    """A disk on which the *healthy*-th and every later touch fails."""

    def __init__(self, healthy: int, code: int) -> None:
        self._healthy = healthy
        self._code = code

    def _touch(self) -> None:
        self._healthy -= 1
        if self._healthy < 0:
            raise OSError(self._code, os.strerror(self._code))

    def write(self, path: Path, data: bytes) -> None:
        self._touch()
        super().write(path, data)

    def append(self, path: Path, data: bytes) -> None:
        self._touch()
        super().append(path, data)

    def rename(self, source: Path, target: Path) -> None:
        self._touch()
        super().rename(source, target)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EIO])
@pytest.mark.parametrize("healthy", range(10))
def test_a_disk_that_fails_is_said_and_the_state_stays_true(tmp_path: Path, healthy: int, code: int) -> None:
    before = _filled(tmp_path).read().state
    store = LocalStore(tmp_path, "prod", files=Failing(healthy, code))
    record = Record("2", {})
    entry = Entry("op2", Phase.DONE, "update", VIP, 2.0, remembers=True, record=record)
    with pytest.raises(StateError) as failed, store.lock("apply", "r2", 0):  # noqa: PT012 - any of them fails
        store.append(entry)
        store.checkpoint(before.with_record(VIP, record).with_record(VIP, None), 4)
        store.append(entry)
        store.append(entry)

    assert f"cannot be written: {os.strerror(code)}" in failed.value.message
    after = LocalStore(tmp_path, "prod").read().state
    possible = [before, before.with_record(VIP, record), before.with_record(VIP, record).with_record(VIP, None)]
    possible += [possible[-1].with_record(VIP, record)]
    assert after in possible


def test_an_append_after_a_failed_one_is_whole(tmp_path: Path) -> None:
    class Once(Disk):
        failed = False

        def append(self, path: Path, data: bytes) -> None:
            if not self.failed:
                self.failed = True
                super().append(path, data[:20])
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            super().append(path, data)

    store = LocalStore(tmp_path, "prod", files=Once())
    with store.lock("apply", "r1", 0):
        with pytest.raises(StateError, match="No space left on device"):
            store.append(VIP_REMEMBERED)
        store.append(VIP_REMEMBERED)

    state = LocalStore(tmp_path, "prod").read().state
    assert (state.serial, dict(state.records)) == (1, {VIP: Record("1", {})})


def test_a_file_size_limit_ends_an_append_with_the_old_state_intact(tmp_path: Path) -> None:
    before = _filled(tmp_path).read()
    limit = (tmp_path / "journal.jsonl").stat().st_size + 100
    program = f"""
        import resource, sys
        from pathlib import Path
        from reconciler.errors import StateError
        from reconciler.model.address import Address
        from reconciler.model.record import Record
        from reconciler.ports.store import Entry, Phase
        from reconciler.stores.local import LocalStore

        store = LocalStore(Path(sys.argv[1]), "prod")
        with store.lock("apply", "r2", 0):
            resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
            try:
                store.append(Entry("op2", Phase.INTENT, "create", Address("audience", "b"), 1.0, details={{"x": "y" * 500}}))
            except StateError as error:
                print(error.message)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), tmp_path],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert done.stdout == f"{tmp_path / 'journal.jsonl'} cannot be written: File too large\n"
    assert LocalStore(tmp_path, "prod").read() == before


def test_an_empty_folder_that_cannot_be_written_can_be_planned_and_not_applied(tmp_path: Path) -> None:
    store = LocalStore(tmp_path, "prod", files=Failing(0, errno.EROFS))
    state = store.read().state

    assert state == State(state.lineage, "prod")
    assert store.read().state == state
    with pytest.raises(StateError, match="cannot be written: Read-only file system"), store.lock("apply", "r1", 0):
        pass
    assert not (tmp_path / "state.json").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="modes do not bind root")
def test_a_read_only_folder_can_be_planned_and_not_applied(tmp_path: Path) -> None:
    before = _filled(tmp_path).read()
    tmp_path.chmod(0o500)
    try:
        store = LocalStore(tmp_path, "prod")
        assert store.read() == before
        with pytest.raises(StateError, match="Permission denied"), store.lock("apply", "r1", 0):
            store.append(VIP_REMEMBERED)
    finally:
        tmp_path.chmod(0o700)


def test_a_folder_that_is_a_file_is_not_an_empty_state(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")

    with pytest.raises(StateError, match=r"state\.json cannot be read: Not a directory"):
        LocalStore(tmp_path / "state", "prod").read()


def test_a_record_that_was_written_wrong_is_named_when_it_is_asked_for(tmp_path: Path) -> None:
    _filled(tmp_path)
    (tmp_path / "journal.jsonl").unlink()
    path = tmp_path / "state.json"
    path.write_bytes(_resealed(path.read_bytes(), resources={"audience/vip": {"id": "1"}, "audience/b": []}))
    records = LocalStore(tmp_path, "prod").read().state.records

    assert len(records) == 2
    with pytest.raises(StateError, match=r"record of `audience/vip` that cannot be read: KeyError"):
        records[VIP]


def test_a_lifecycle_that_nobody_knows_is_an_error_and_never_a_deletion(tmp_path: Path) -> None:
    _filled(tmp_path)
    (tmp_path / "journal.jsonl").unlink()
    path = tmp_path / "state.json"
    lifecycle = {"protect": False, "on_delete": "perhaps"}
    record = Record("1", {}).to_json() | {"lifecycle": lifecycle}
    path.write_bytes(_resealed(path.read_bytes(), resources={"audience/vip": record}))
    records = LocalStore(tmp_path, "prod").read().state.records

    with pytest.raises(StateError, match="'perhaps' is not a valid OnDelete"):
        records[VIP]
