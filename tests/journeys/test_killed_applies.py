"""`kill -9` at every journal line of the first apply: the next one ends where an undisturbed one does, with one of each."""

from __future__ import annotations

import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from stage import BUYERS, PLANTED, Stage, ended, stage_in

from reconciler.emulators.pinterest.knobs import Knobs
from reconciler.emulators.sandbox import Sandbox

DRIVER = Path(__file__).with_name("killed_apply.py")
LINES = 9
"""Journal lines of the first apply; `test_the_number_of_lines_is_what_it_was` keeps it true."""


@pytest.fixture(scope="module")
def vendor() -> Iterator[Sandbox]:
    with Sandbox(PLANTED, knobs=Knobs(rate_tier="off")) as sandbox:
        yield sandbox


@pytest.fixture
def fresh(tmp_path: Path, vendor: Sandbox, filled_state: Path) -> Stage:
    vendor.control.reset()
    stage = stage_in(tmp_path / "shop", vendor)
    shutil.copytree(filled_state, stage.folder / "state", ignore=shutil.ignore_patterns("tokens"))
    return stage


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, filled_state: Path) -> dict[str, Any]:
    with Sandbox(PLANTED, knobs=Knobs(rate_tier="off")) as sandbox:
        stage = stage_in(tmp_path_factory.mktemp("undisturbed") / "shop", sandbox)
        shutil.copytree(filled_state, stage.folder / "state", ignore=shutil.ignore_patterns("tokens"))
        stage.tdr("apply", "--yes")
        return without_ids(stage.records())


def run_driver(stage: Stage, where: str, line: int) -> tuple[int, str]:
    process = stage.start([sys.executable, str(DRIVER), stage.environ["TDR_VAR_pinterest"], where, str(line)])
    out, err = ended(process)
    stage.heard += [out, err]
    return process.returncode, out


@pytest.mark.parametrize(
    ("where", "line"),
    [
        # A process each takes its time: every third is enough on most days.
        pytest.param(where, line, marks=() if line % 3 == (1 if where == "after" else 2) else pytest.mark.slow)
        for line in range(1, LINES + 1)
        for where in ("before", "after")
    ],
)
def test_the_next_apply_ends_where_an_undisturbed_one_does(
    fresh: Stage, undisturbed: dict[str, Any], where: str, line: int
) -> None:
    code, _ = run_driver(fresh, where, line)
    assert code == -signal.SIGKILL, fresh.heard[-1]

    fresh.tdr("apply", "--yes")

    fresh.tdr("plan", "--detailed-exitcode")
    assert (len(fresh.audiences()), len(fresh.control.lists())) == (1, 1)
    assert fresh.members() == fresh.shop_of(range(BUYERS))
    assert without_ids(fresh.records()) == undisturbed
    assert fresh.tdr("doctor", "--format", "json").document["healthy"]
    fresh.load(range(50, 150))
    fresh.tdr("run", "activation/spring-buyers-daily")
    assert fresh.members() == fresh.shop_of(range(50, 150))


def test_the_number_of_lines_is_what_it_was(fresh: Stage) -> None:
    assert run_driver(fresh, "after", 0) == (0, f"{LINES}\n")


def without_ids(records: dict[str, Any]) -> dict[str, Any]:
    """What state remembers, with what each vendor chose by itself replaced by words."""
    ids = {record["id"]: address for address, record in records.items()}

    def named(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: named(one) for key, one in value.items()}
        if isinstance(value, list):
            return [named(one) for one in value]
        return f"(id of {ids[value]})" if isinstance(value, str) and value in ids else value

    named_records: dict[str, Any] = named(records)
    return named_records
