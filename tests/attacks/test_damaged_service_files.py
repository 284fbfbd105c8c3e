"""A file of the service that is damaged is named with what now, and what the hint says works."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "journeys"))

from stage import Stage, as_if_in

from reconciler.commands import running
from reconciler.commands.interruption import Interruption
from reconciler.model.address import Address
from reconciler.wiring import open_runtime


def overwritten(path: Path) -> None:
    path.write_bytes(b"this is no database at all\n" * 10)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:6000])


def zeroed(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:4096] + bytes(8000) + content[12_096:])


DAMAGE: list[Callable[[Path], None]] = [overwritten, cut, zeroed]


@pytest.fixture
def used(project: Stage) -> Stage:
    """A project whose table is filled."""
    project.tdr("apply", "--yes")
    project.tdr("run", "import/customers")
    return project


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("service.sqlite", ("plan",)),
        ("service.sqlite", ("run", "import/customers")),
        ("data.duckdb", ("run", "import/customers")),
    ],
)
def test_the_damaged_file_is_named_with_what_now(
    used: Stage, name: str, command: tuple[str, ...], damage: Callable[[Path], None]
) -> None:
    service = used.state / "service"
    for beside in service.glob(f"{name}-*"):
        beside.unlink()
    damage(service / name)

    said = used.tdr(*command, expect=1)

    assert f"{service / name} is damaged" in said.err
    assert f"restore the folder {service} from a copy" in said.err
    assert "answered 500" not in said.err


def test_without_a_copy_everything_is_made_anew(used: Stage) -> None:
    overwritten(used.state / "service" / "service.sqlite")
    used.tdr("plan", expect=1)

    shutil.move(used.state / "service", used.folder / "damaged")
    held = used.tdr("apply", "--yes", expect=3)
    approval = re.search(r"--approve (\S+)", held.out + held.err)
    assert approval is not None
    used.tdr("apply", "--yes", "--approve", approval[1], "--reason", "the file was damaged")
    used.tdr("run", "import/customers")

    used.tdr("plan", "--detailed-exitcode")


def test_a_state_folder_that_goes_away_during_a_run_is_told(used: Stage) -> None:
    def gone(_: object) -> None:
        shutil.rmtree(used.folder / "state", ignore_errors=True)

    with (
        as_if_in(used.folder, used.environ),
        open_runtime(start=used.folder, environment=None, variables={}, resolve_secrets=True) as runtime,
    ):
        answer = running.run(runtime, Address("import", "customers"), gone, Interruption())

    assert (answer.exit_code, answer.document["status"]) == (1, "error")
    assert f"see that {used.state / 'service'} is there, has space and is yours" in answer.document["log"]
