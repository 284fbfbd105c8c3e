"""What is kept of runs and states, read while somebody else's run lets go of what is old: gone is not damaged."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from stage import Stage, environment

RUNS = 4


@pytest.fixture
def kept(tmp_path: Path) -> Stage:
    """A project of four runs, each of which left another state."""
    folder = tmp_path / "project"
    folder.mkdir()
    stage = Stage(folder, None, environment(folder))
    stage.tdr("init", "--name", "shop")
    for hour in range(RUNS):
        text = (folder / "manifests/shop.yaml").read_text(encoding="utf-8")
        stage.write("manifests/shop.yaml", text.replace(f'cron: "0 {2 + hour} ', f'cron: "0 {3 + hour} '))
        stage.tdr("apply", "--yes")
    return stage


@contextmanager
def gone_while_read(read: Path, gone: Path) -> Iterator[None]:
    """*gone* goes after all was listed: when somebody reads *read*, who waits until it has."""
    content = read.read_bytes()
    read.unlink()
    os.mkfifo(read)

    def write() -> None:
        with read.open("wb") as pipe:  # until somebody reads
            gone.unlink()
            pipe.write(content)

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    yield
    writer.join(30)
    assert not writer.is_alive(), "nobody read it"
    assert not gone.exists()


def of(stage: Stage, folder: str) -> list[Path]:
    return sorted((stage.state / folder).glob("*.json"))


@pytest.mark.parametrize("folder", ["runs", "history"])
def test_verifying_tells_of_no_problem(kept: Stage, folder: str) -> None:
    first, second, *_ = of(kept, folder)
    counted = len(of(kept, folder))

    with gone_while_read(first, second):
        said = kept.tdr("state", "verify", "--format", "json").document

    assert (said["sound"], said["problems"]) == (True, [])
    assert said[folder] == counted - 1


def test_what_is_listed_still_and_not_there_is_a_problem(kept: Stage) -> None:
    for folder in ("runs", "history"):
        first, *_ = of(kept, folder)
        first.unlink()
        first.symlink_to("nowhere")

    said = kept.tdr("state", "verify", "--format", "json", expect=1).document

    assert [one["what"].split()[0] for one in said["problems"]] == ["history", "run"]


@pytest.mark.parametrize(
    ("verb", "folder", "count"),
    [
        (("history",), "runs", lambda said: len(said["runs"])),
        (("state", "history"), "history", lambda said: len(said["history"])),
    ],
)
def test_listing_leaves_it_out(kept: Stage, verb: tuple[str, ...], folder: str, count: Callable[..., int]) -> None:
    files = of(kept, folder)
    read, gone = (files[-1], files[0]) if folder == "runs" else (files[0], files[-1])

    with gone_while_read(read, gone):
        said = kept.tdr(*verb, "--format", "json")

    assert count(said.document) == len(files) - 1
    assert "damaged" not in said.out


def test_a_run_that_is_asked_for_by_name_and_goes_is_not_kept(kept: Stage) -> None:
    first, *_ = of(kept, "runs")
    first.unlink()
    first.symlink_to("nowhere")

    said = kept.tdr("history", first.stem.rpartition("-")[2], expect=1)

    assert "is kept\nhint: the newest that are: " in said.err
