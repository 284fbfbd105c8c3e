"""`kill -9` at twenty places of a load by a source specification: after the next run the table is that of an undisturbed load."""

from __future__ import annotations

import random
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rest_lists import Lists, project, serving, table
from stage import Stage, ended, environment

DRIVER = Path(__file__).with_name("killed_at_line.py")
MODULES = (
    "connectors/sources/rest",
    "sourcespec/",
    "dataplane/",
    "service/loading",
    "service/tables",
    "service/stored_notes",
)
POINTS = 20


@pytest.fixture
def lists() -> Iterator[Lists]:
    with serving() as server:
        yield server


def twin(stage: Stage, name: str) -> Stage:
    """The same project as it is now, in another folder, with the same clock."""
    folder = stage.folder.with_name(name)
    shutil.copytree(stage.folder, folder)
    return Stage(folder, None, {**environment(folder), **stage.environ}, clock=stage.clock)


def killed(stage: Stage, line: int) -> tuple[int, str]:
    process = stage.start([sys.executable, str(DRIVER), str(line), *MODULES, "--", "run", "import/members"])
    out, err = ended(process)
    assert process.returncode in (0, -signal.SIGKILL), f"{out}\n{err}"
    return process.returncode, out


@pytest.mark.slow
def test_a_load_that_is_killed_anywhere_ends_as_an_undisturbed_one(tmp_path: Path, lists: Lists) -> None:
    stage = project(tmp_path / "shop", lists)
    lists.members["L1"] = [{"id": f"m{number:03}", "n": 1} for number in range(14)]
    stage.tdr("apply", "--yes")
    stage.tdr("run", "import/members")
    before = table(stage)
    lists.members["L1"] = [{"id": f"m{number:03}", "n": 2} for number in range(7, 21)]
    undisturbed = twin(stage, "undisturbed")
    code, out = killed(undisturbed, 0)
    assert code == 0
    expected = table(undisturbed)
    assert (len(before), len(expected)) == (14, 21)
    lines = int(out.split()[-1])
    seen = set()

    for place in sorted(random.Random(19).sample(range(1, lines), POINTS)):
        struck = twin(stage, f"killed-{place}")
        code, _ = killed(struck, place)
        assert code == -signal.SIGKILL
        found = table(struck)
        assert found in (before, expected), f"killed at {place} of {lines}: all of the rows or none"
        seen.add(found == expected)
        struck.tdr("run", "import/members")
        assert table(struck) == expected, f"killed at {place} of {lines}"
        shutil.rmtree(struck.folder)
    assert False in seen, "some came before the rows are stored"
