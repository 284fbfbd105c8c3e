from __future__ import annotations

import hashlib
import itertools
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterable
from pathlib import Path

import pytest
from full_disk import no_file_longer_than
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.dataplane.batches import Batch, batches, send_in_turn
from reconciler.dataplane.durable import read_document, write_document
from reconciler.dataplane.keyfile import count_keys, joined_hex
from reconciler.dataplane.ledger import MOST_PARTS, Ledger
from reconciler.errors import Permanent, StateError, Transient
from reconciler.model.kinds import Membership


def key(number: int) -> bytes:
    return hashlib.sha256(str(number).encode()).digest()


def key_file(path: Path, numbers: Iterable[int]) -> Path:
    path.write_bytes(b"".join(key(number) for number in numbers))
    return path


def keys_in(parts: list[tuple[Path, int, int]]) -> set[bytes]:
    found = set()
    for path, start, stop in parts:
        content = path.read_bytes()
        found |= {content[at * 32 : at * 32 + 32] for at in range(start, stop)}
    return found


def numbers(*values: int) -> set[bytes]:
    return {key(value) for value in values}


def test_a_batch_is_digests_joined_by_commas(tmp_path: Path) -> None:
    path = key_file(tmp_path / "k", [1, 2, 3])
    [batch] = batches([(path, 1, 3)], 10)
    assert batch == Batch(2, f"{key(2).hex()},{key(3).hex()}".encode())
    assert batch.halves() == (Batch(1, key(2).hex().encode()), Batch(1, key(3).hex().encode()))


@given(sizes=st.lists(st.integers(0, 7), max_size=5), size=st.integers(1, 6))
def test_batches_are_refilled_across_files_and_lose_nothing(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], size: int
) -> None:
    folder = tmp_path_factory.mktemp("batches")
    counter = itertools.count()
    wanted, parts = [], []
    for at, count in enumerate(sizes):
        chosen = [next(counter) for _ in range(count)]
        wanted += chosen
        parts.append((key_file(folder / str(at), chosen), 0, count))
    made = list(batches(parts, size))
    assert all(batch.count == size for batch in made[:-1])
    assert all(1 <= batch.count <= size for batch in made)
    assert b",".join(batch.records for batch in made) == joined_hex(b"".join(map(key, wanted)))


def test_sending_in_turn_keeps_the_order_and_stops_at_the_first_error() -> None:
    source = [Batch(1, str(number).encode()) for number in range(5)]
    sent: list[bytes] = []

    def send(batch: Batch) -> None:
        if batch.records == b"3":
            raise Transient("no")
        sent.append(batch.records)

    with pytest.raises(Transient):
        send_in_turn(source, send)
    assert sent == [b"0", b"1", b"2"]


def test_a_replace_is_the_difference_to_what_is_known(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")
    with ledger.target("list") as target:
        run = target.begin(Membership.REPLACE, key_file(tmp_path / "w", [1, 2, 3]), "a")
        assert (keys_in(run.add), keys_in(run.remove)) == (numbers(1, 2, 3), set())
        run.added(3)
        run.finish()
    with ledger.target("list") as target:
        assert (target.confirmed, target.uncertain, target.is_complete) == (3, 0, False)
        run = target.begin(Membership.REPLACE, key_file(tmp_path / "w", [2, 3, 4]), "b")
        assert (keys_in(run.add), keys_in(run.remove)) == (numbers(4), numbers(1))
        run.removed(1)
        run.stop()
    with ledger.target("list") as target:
        # 1 is gone, 4 may or may not have arrived.
        assert (target.confirmed, target.uncertain) == (2, 1)
        run = target.begin(Membership.REPLACE, key_file(tmp_path / "w", [2, 3]), "c")
        assert (keys_in(run.add), keys_in(run.remove)) == (set(), numbers(4))


def test_progress_of_a_failed_run_is_kept(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")
    for _ in range(3):
        with ledger.target("list") as target:
            run = target.begin(Membership.ADD, key_file(tmp_path / "w", range(10)), "a")
            run.added(2)
            run.stop()
    with ledger.target("list") as target:
        assert (target.confirmed, target.uncertain) == (6, 4)


def test_many_runs_that_only_add_leave_few_files(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")
    count = MOST_PARTS + 5
    for number in range(count):
        with ledger.target("list") as target:
            run = target.begin(Membership.ADD, key_file(tmp_path / "w", [number]), str(number))
            run.added(1)
            run.finish()
    with ledger.target("list") as target:
        assert target.confirmed == count
        run = target.begin(Membership.CLEAR, None, "z")
        assert keys_in(run.remove) == numbers(*range(count))
    assert len(list((tmp_path / "ledger" / "list").glob("*.keys"))) <= MOST_PARTS + 2


def test_a_target_has_one_holder_and_names_stay_inside_the_folder(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")
    with ledger.target("list"):
        with pytest.raises(Transient, match="another export is writing to `list`"), ledger.target("list"):
            pass
        with ledger.target("other"):
            pass
        for name in ("", "..", "a/b", ".hidden"):
            with pytest.raises(ValueError, match=r"^.*$"), ledger.target(name):
                pass


def test_a_damaged_ledger_is_refused_and_left_alone(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")
    book = tmp_path / "ledger" / "list" / "book.json"
    book.parent.mkdir(parents=True)
    for content in (
        b"{",
        b"[]",
        b'{"format": "tdr.ledger", "format_version": 2}',
        b'{"format": "tdr.ledger", "format_version": 1}',
    ):
        book.write_bytes(content)
        with pytest.raises(StateError), ledger.target("list"):
            pass
        assert book.read_bytes() == content
    (tmp_path / "cut.keys").write_bytes(b"x" * 33)
    with pytest.raises(StateError, match=r"key file `cut\.keys` is damaged"):
        count_keys(tmp_path / "cut.keys")


def test_a_document_is_private_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "one.json"
    assert read_document(path) is None
    write_document(path, {"a": [1, None]})
    assert read_document(path) == {"a": [1, None]}
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["one.json"]


@pytest.mark.parametrize("is_sure", [True, False], ids=["both sides are known", "some may have travelled"])
def test_a_disk_that_is_full_is_said_before_anything_is_sent(tmp_path: Path, is_sure: bool) -> None:  # noqa: FBT001 - a case
    ledger = Ledger(tmp_path / "ledger")
    with ledger.target("list") as target:
        run = target.begin(Membership.REPLACE, key_file(tmp_path / "w", range(3_000)), "a")
        if is_sure:
            run.added(3_000)
            run.finish()
    wanted = key_file(tmp_path / "w", range(2_000, 6_000))
    with (
        ledger.target("list") as target,
        no_file_longer_than(50_000),
        pytest.raises(Permanent, match=r"cannot be kept in .*File too large") as refused,
    ):
        target.begin(Membership.REPLACE, wanted, "b")
    assert refused.value.hint == "nothing was sent; make room there, 64 bytes a row, and run it again"

    with ledger.target("list") as target:
        run = target.begin(Membership.REPLACE, key_file(tmp_path / "w", range(2_000, 6_000)), "b")
        assert keys_in(run.add) == {key(number) for number in range(3_000 if is_sure else 2_000, 6_000)}
        assert keys_in(run.remove) == {key(number) for number in range(2_000)}


def test_a_disk_that_is_full_when_a_list_was_just_made_says_that_it_is_there(tmp_path: Path) -> None:
    first = key_file(tmp_path / "first", range(3_000))
    with (
        Ledger(tmp_path / "ledger").target("list") as target,
        no_file_longer_than(50_000),
        pytest.raises(Permanent, match="cannot be kept in") as refused,
    ):
        target.begin_with(first, certain=True)
    assert "the list is there" in refused.value.hint


CHILD = textwrap.dedent(
    """
    import os, signal, sys
    from pathlib import Path
    from reconciler.dataplane.batches import batches
    from reconciler.dataplane.ledger import Ledger
    from reconciler.model.kinds import Membership

    folder, wanted, deadly = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    vendor = folder / "vendor"
    members = set(vendor.read_text().split()) if vendor.exists() else set()
    step = 0

    def may_die():
        global step
        step += 1
        if step == deadly:
            os.kill(os.getpid(), signal.SIGKILL)

    with Ledger(folder / "ledger").target("list") as target:
        may_die()
        run = target.begin(Membership.REPLACE, wanted, "job")
        for parts, act, confirm in ((run.remove, members.difference_update, run.removed), (run.add, members.update, run.added)):
            for batch in batches(parts, 2):
                may_die()
                act(batch.records.decode().split(","))
                vendor.write_text(" ".join(members))
                may_die()
                confirm(batch.count)
                may_die()
        run.finish()
        may_die()
    """
)


@settings(max_examples=6, deadline=None)
@given(deadly=st.integers(1, 14))
def test_a_kill_at_any_step_leaves_a_ledger_that_sets_all_right(
    tmp_path_factory: pytest.TempPathFactory, deadly: int
) -> None:
    folder = tmp_path_factory.mktemp("kill")

    def replace(wanted: Iterable[int], dies_at: int) -> int:
        path = key_file(folder / "wanted", wanted)
        command = [sys.executable, "-c", CHILD, str(folder), str(path), str(dies_at)]
        return subprocess.run(command, check=False, env={**os.environ}).returncode

    def members() -> set[str]:
        return set((folder / "vendor").read_text().split())

    assert replace([1, 2, 3, 4], 0) == 0
    assert replace([3, 4, 5, 6, 7], deadly) in (0, -signal.SIGKILL)
    assert replace([1, 4, 7, 8], 0) == 0
    assert members() == {key(number).hex() for number in (1, 4, 7, 8)}
