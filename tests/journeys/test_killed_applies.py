"""`kill -9` at every journal line of the first apply: the next one ends where an undisturbed one does, with one of each."""

from __future__ import annotations

import shutil
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from segment_stage import ACTIVATION, ADDRESS, FILE, LIST, activated, asked, built
from stage import BUYERS, PLANTED, Stage, ended, stage_in

sys.path.insert(0, str(Path(__file__).parents[1] / "stores"))

from server_fixtures import postgres, s3, said  # noqa: F401 - some are fixtures

from reconciler.emulators.pinterest.knobs import Knobs
from reconciler.emulators.sandbox import Sandbox

__all__ = ["activated", "built"]

QUERY = "apiVersion: tdr/v1\nkind: Query\nmetadata: {name: NAME}\nspec: {database: shop, sql: SELECT 1}\n"
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


def run_driver(stage: Stage, where: str, line: int, *run: str, **environ: str) -> tuple[int, str]:
    command = [sys.executable, str(DRIVER), stage.environ["TDR_VAR_pinterest"], where, str(line), *run]
    process = stage.start(command, **environ)
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


@pytest.mark.parametrize(
    ("kind", "where", "line"),
    [
        ("postgres", "after", 4),
        ("s3", "before", 5),
        *(
            pytest.param(kind, where, line, marks=pytest.mark.slow)
            for kind in ("postgres", "s3")
            for where, line in (("before", 1), ("after", 1), ("before", 4), ("after", 6), ("after", LINES))
        ),
    ],
)
def test_the_same_where_several_machines_keep_the_state(
    fresh: Stage,
    undisturbed: dict[str, Any],
    request: pytest.FixtureRequest,
    kind: str,
    where: str,
    line: int,
) -> None:
    state, environ = said(kind, request.getfixturevalue(kind), f"killed_{where}_{line}")
    fresh.edit("manifests/environments/local.yaml", "endpoints:", f"state: {state}\nendpoints:")
    fresh.environ |= environ
    fresh.tdr("state", "migrate", "--from", "local")
    code, _ = run_driver(fresh, where, line)
    assert code == -signal.SIGKILL, fresh.heard[-1]

    fresh.tdr("apply", "--yes")

    fresh.tdr("plan", "--detailed-exitcode")
    assert (len(fresh.audiences()), len(fresh.control.lists())) == (1, 1)
    assert fresh.members() == fresh.shop_of(range(BUYERS))
    assert without_ids(fresh.records()) == undisturbed
    assert not fresh.tdr("lock", "status", "--format", "json").document["locked"]


def test_the_number_of_lines_is_what_it_was(fresh: Stage) -> None:
    assert run_driver(fresh, "after", 0) == (0, f"{LINES}\n")


@pytest.mark.parametrize(
    ("where", "lines"),
    [
        ("before", [4]),
        pytest.param("before", range(1, 100), marks=pytest.mark.slow),
        pytest.param("after", range(1, 100), marks=pytest.mark.slow),
    ],
    ids=["once", "before any", "after any"],
)
def test_a_killed_rollback_is_done_again_and_ends_where_an_undisturbed_one_does(
    applied: Stage, where: str, lines: Sequence[int]
) -> None:
    """What is killed: an update, a creation and a deletion put back, at every journal line."""
    applied.write("manifests/gone.yaml", QUERY.replace("NAME", "gone"))
    applied.tdr("apply", "--yes")
    before = without_ids(applied.records())
    pinterest = (applied.folder / "manifests/pinterest.yaml").read_text(encoding="utf-8")
    for line in lines:
        applied.edit("manifests/pinterest.yaml", "Bought in spring", f"Bought in {line}")
        applied.write("manifests/gone.yaml", QUERY.replace("NAME", "made"))
        applied.tdr("apply", "--yes", *applied.approvals())
        run = applied.tdr("history", "--format", "json").document["runs"][0]["run"]

        code, _ = run_driver(applied, where, line, run)
        applied.tdr("rollback", run, "--yes")

        assert unwritten(applied.records()) == unwritten(before), f"line {line}"
        applied.write("manifests/pinterest.yaml", pinterest)
        applied.write("manifests/gone.yaml", QUERY.replace("NAME", "gone"))
        applied.tdr("plan", "--detailed-exitcode")
        assert [one["description"] for one in applied.audiences()] == ["Bought in spring"]
        with applied.somebody() as client:
            assert {raw["name"] for raw in client.saved_queries()} == {"gone", "spring-buyers-daily"}
        if code == 0:
            break
    assert (code == 0) is (len(lines) > 1)


@pytest.mark.parametrize("doing", ["create", "update", "adopt", "delete"])
@pytest.mark.parametrize(
    ("where", "lines"),
    [
        ("after", [1]),
        pytest.param("before", range(1, 100), marks=pytest.mark.slow),
        pytest.param("after", range(1, 100), marks=pytest.mark.slow),
    ],
    ids=["once", "before any", "after any"],
)
def test_what_is_killed_of_a_segments_activation_is_done_by_the_next_apply(
    request: pytest.FixtureRequest, where: str, lines: Sequence[int], doing: str
) -> None:
    stage: Stage = request.getfixturevalue("built" if doing == "create" else "activated")
    code = None
    for line in lines:
        begin(stage, doing, line)
        flags = stage.approvals()
        approved = {"TDR_APPROVE": " ".join(flags[1:-2:2]), "TDR_REASON": flags[-1]} if flags else {}

        code, _ = run_driver(stage, where, line, **approved)
        assert code in {0, -signal.SIGKILL}, stage.heard[-1]
        stage.tdr("apply", "--yes", *stage.approvals())

        stage.tdr("plan", "--detailed-exitcode")
        there = asked(stage, "GET", LIST)
        if doing == "delete":
            assert there == [], f"line {line}"
            assert ADDRESS not in stage.records()
        else:
            (one,) = there
            assert stage.records()[ADDRESS]["id"] == f"{one['audienceId']}/{one['segmentId']}/{one['id']}"
            assert (one["repeatUnit"], one["valid"]) == ("day", True)
        assert stage.tdr("doctor", "--format", "json").document["healthy"]
        assert (len(stage.audiences()), len(stage.control.lists())) == (1, 1)
        if code == 0:
            break
    assert (code == 0) is (len(lines) > 1)


def begin(stage: Stage, doing: str, line: int) -> None:
    """Bring the stage to where *doing* is what the next apply does."""
    match doing:
        case "create":
            if line > 1:
                (stage.folder / FILE).unlink()
                stage.tdr("apply", "--yes", *stage.approvals())
            stage.write(FILE, ACTIVATION)
        case "update":
            stage.write(FILE, ACTIVATION + f"  description: changed {line} times\n")
        case "adopt":
            stage.tdr("state", "rm", ADDRESS)
            stage.write(FILE, ACTIVATION + "lifecycle: {adopt: always}\n")
        case _:
            if not (stage.folder / FILE).exists():
                stage.write(FILE, ACTIVATION)
                stage.tdr("apply", "--yes")
            (stage.folder / FILE).unlink()


def unwritten(records: dict[str, Any]) -> dict[str, Any]:
    """The same without the digests of documents: a rollback makes of what state remembers what nobody wrote."""
    return {address: {**record, "made_of": ""} for address, record in without_ids(records).items()}


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
