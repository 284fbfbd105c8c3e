"""Where a state is kept, as people meet it: moving it, sealing it, and what is refused."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from stage import Stage, killed_at

sys.path.insert(0, str(Path(__file__).parents[1] / "stores"))

from server_fixtures import http, postgres, s3, said  # noqa: F401 - some are fixtures

from reconciler import reports
from reconciler.sealing import new_key

SCHEMAS = Path(reports.__file__).parent / "schemas"
ENVIRONMENT = "manifests/environments/local.yaml"


def valid(document: dict[str, Any]) -> dict[str, Any]:
    """*document*, held against the schema that is shipped for it."""
    name = str(document["format"]).removeprefix("tdr.")
    Draft202012Validator(json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))).validate(document)
    return document


@pytest.fixture
def server(request: pytest.FixtureRequest) -> str:
    """Address of a server that speaks Terraform's `http`."""
    address: str = request.getfixturevalue("http")
    return address


def _use(project: Stage, state: str) -> None:
    project.write(ENVIRONMENT, f"treasure_data: {{endpoint: embedded}}\nstate: {state}\n")


@pytest.mark.parametrize("kind", ["http", "postgres", "s3"])
def test_a_team_moves_its_state_and_goes_on(applied: Stage, kind: str, request: pytest.FixtureRequest) -> None:
    before = applied.tdr("state", "show").document
    runs = [path.stem.rpartition("-")[2] for path in sorted((applied.state / "runs").glob("*.json"))]
    state, environ = said(kind, request.getfixturevalue(kind), "moved")
    _use(applied, state)

    moved = valid(applied.tdr("state", "migrate", "--from", "local", "--format", "json", **environ).document)
    after = applied.tdr("state", "show", **environ).document
    applied.edit("manifests/shop.yaml", "0 3 * * *", "0 4 * * *")
    applied.tdr("apply", "--yes", **environ)
    verified = valid(applied.tdr("state", "verify", "--format", "json", **environ).document)
    lock = valid(applied.tdr("lock", "status", "--format", "json", **environ).document)

    assert after | {"created_at": ""} == before | {"created_at": ""}
    assert (moved["resources"], moved["serial"], moved["runs"]) == (4, before["serial"], len(runs))
    assert moved["from"] == str(applied.state)
    assert (verified["sound"], verified["runs"], verified["problems"]) == (True, len(runs) + 1, [])
    assert (lock["locked"], lock["where"]) == (False, moved["to"])
    assert applied.tdr("plan", "--detailed-exitcode", **environ).code == 0
    assert not [secret for secret in environ.values() if secret in "".join(applied.heard)]


def test_a_move_can_be_repeated_until_something_is_written_and_then_is_refused(applied: Stage, server: str) -> None:
    state, environ = said("http", server, "")
    _use(applied, state)
    applied.tdr("state", "migrate", "--from", "local", **environ)
    applied.tdr("state", "migrate", "--from", "local", **environ)
    applied.tdr("state", "rm", "query/buyers-per-month", **environ)

    refused = applied.tdr("state", "migrate", "--from", "local", expect=1, **environ)

    assert f"{server} holds a state already" in refused.err


def test_a_state_moves_back_from_a_place_in_a_file(applied: Stage, server: str) -> None:
    state, environ = said("http", server, "")
    _use(applied, state)
    applied.tdr("state", "migrate", "--from", "local", **environ)
    shown = applied.tdr("state", "show", **environ).document
    applied.write("old.yaml", state)
    _use(applied, "{backend: local}")

    applied.tdr("state", "migrate", "--from", "old.yaml", **environ)

    assert applied.tdr("state", "show").document | {"created_at": ""} == shown | {"created_at": ""}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["postgres", "s3"])
@pytest.mark.parametrize("direction", ["there", "back"])
def test_a_move_killed_at_any_change_of_the_folder_is_repeated(
    applied: Stage, kind: str, direction: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    before = applied.records()
    shutil.copytree(applied.state, tmp_path / "kept")
    address, kills = request.getfixturevalue(kind), 0
    for number in range(1, 100):
        shutil.rmtree(applied.state)
        shutil.copytree(tmp_path / "kept", applied.state)
        shared, environ = said(kind, address, f"killed_{direction}_{number}")
        applied.environ |= environ
        applied.write("shared.yaml", shared)
        old, new, source = "{backend: local}", shared, "local"
        if direction == "back":
            _use(applied, shared)
            applied.tdr("state", "migrate", "--from", "local")
            old, new, source = shared, "{backend: local}", "shared.yaml"

        _use(applied, new)
        if killed_at(applied, number, "state/local", "--", "state", "migrate", "--from", source) == 0:
            break
        kills += 1
        assert [_remembered(applied, place) for place in (old, new)].count(before) <= 1
        _use(applied, new)
        applied.tdr("state", "migrate", "--from", source)

        assert [_remembered(applied, place) for place in (old, new)] == [None, before]
    assert kills >= 4


def _remembered(project: Stage, place: str) -> dict[str, Any] | None:
    """What the state at *place* remembers; None where tdr says that the state is elsewhere."""
    _use(project, place)
    shown = project.tdr("state", "show", expect=None)
    if shown.code:
        assert "error: the state is not at " in shown.err
        return None
    resources: dict[str, Any] = shown.document["resources"]
    return resources


def test_who_still_uses_the_old_place_is_told_where_the_state_is(applied: Stage, server: str) -> None:
    state, environ = said("http", server, "")
    _use(applied, state)
    applied.tdr("state", "migrate", "--from", "local", **environ)
    _use(applied, "{backend: local}")

    for command in (["plan"], ["apply", "--yes"], ["state", "list"], ["state", "verify"]):
        told = applied.tdr(*command, expect=1)
        assert f"the state is not at {applied.state} but at {server}: it was moved" in told.out + told.err
    applied.tdr("state", "restore", "5")
    applied.tdr("plan", "--detailed-exitcode")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{backend: folder}", "names no place of a state: see"),
        ('{backend: postgres, connection: "${secret:env:NOT_SET}"}', "`NOT_SET` is not set"),
        ("[", "is not YAML"),
    ],
)
def test_an_old_place_that_makes_no_sense_is_told(applied: Stage, text: str, words: str) -> None:
    applied.write("old.yaml", text)

    assert words in applied.tdr("state", "migrate", "--from", "old.yaml", expect=64).err


def test_a_pulled_state_is_pushed_again_when_nothing_else_was_written(applied: Stage) -> None:
    pulled = applied.tdr("state", "pull").out
    applied.write("pulled.json", pulled)

    assert valid(applied.tdr("state", "push", "pulled.json", "--format", "json").document)["serial"] == 5
    applied.tdr("state", "rm", "query/buyers-per-month")
    assert "it would be undone" in applied.tdr("state", "push", "pulled.json", expect=1).err
    applied.write("pulled.json", pulled.replace("customers", "members"))
    assert "does not match its digest" in applied.tdr("state", "push", "pulled.json", expect=1).err


def test_a_state_of_another_project_or_lineage_is_not_pushed(applied: Stage, tmp_path: Path) -> None:
    other = Stage(tmp_path / "other", None, applied.environ)
    other.folder.mkdir()
    other.tdr("init", "--name", "club")
    other.tdr("apply", "--yes")
    other.write("club.json", other.tdr("state", "pull").out)
    other.edit("tdr.yaml", "project: club", "project: shop")
    other.state.rename(other.state.with_name("before"))
    other.tdr("apply", "--yes")
    other.write("shop.json", other.tdr("state", "pull").out)

    theirs = applied.tdr("state", "push", str(other.folder / "club.json"), expect=1)
    another = applied.tdr("state", "push", str(other.folder / "shop.json"), expect=1)

    assert "is the state of project 'club', not of 'shop'" in theirs.err
    assert "a state is never replaced by another one" in another.err


def test_a_lost_state_is_pushed_into_an_empty_place(applied: Stage) -> None:
    applied.write("pulled.json", applied.tdr("state", "pull").out)
    shown = applied.tdr("state", "show").document
    for name in ("state.json", "journal.jsonl"):
        (applied.state / name).unlink()
    for kept in (applied.state / "history").iterdir():
        kept.unlink()

    applied.tdr("state", "push", "pulled.json")

    assert applied.tdr("state", "show").document | {"created_at": ""} == shown | {"created_at": ""}


def test_a_damaged_journal_is_verified_and_mended(applied: Stage) -> None:
    journal = applied.state / "journal.jsonl"
    damaged = journal.read_bytes() + b"not a line\nnor this\n"
    journal.write_bytes(damaged)

    told = applied.tdr("state", "list", expect=1).err
    verified = valid(applied.tdr("state", "verify", "--format", "json", expect=1).document)
    mended = valid(applied.tdr("state", "mend", "--format", "json").document)

    assert f"{applied.state / 'state.json'} is intact" in told
    assert "`tdr state mend`" in told
    assert (verified["sound"], [problem["what"] for problem in verified["problems"]]) == (False, ["state"])
    assert mended["mended"]["lost_lines"] == 2
    assert Path(mended["mended"]["aside"]).read_bytes() == damaged
    assert "table/customers" in applied.tdr("state", "list").out
    assert applied.tdr("plan", "--detailed-exitcode").code == 0


def test_a_state_is_sealed_with_the_key_of_the_environment(project: Stage) -> None:
    old, new = new_key(), new_key()
    project.tdr("apply", "--yes", TDR_STATE_KEY=old)
    files = [path for path in project.state.rglob("*.json*") if "service" not in path.parts]

    assert [path.name for path in files if not path.read_bytes().startswith(b"tdr1:")] == []
    assert "holds none" in project.tdr("state", "list", expect=1).err
    assert "query/buyers-per-month" in project.tdr("state", "list", TDR_STATE_KEY=f"{new},{old}").out
    project.tdr("state", "rm", "query/buyers-per-month", TDR_STATE_KEY=f"{new},{old}")
    assert "table/customers" in project.tdr("state", "list", TDR_STATE_KEY=new).out
    assert "does not hold a key" in project.tdr("state", "list", expect=1, TDR_STATE_KEY="short").err
    assert not [key for key in (old, new) if key in "".join(project.heard)]


def test_the_kept_run_tells_who_and_what_was_remembered_before_and_after(applied: Stage) -> None:
    applied.edit("manifests/shop.yaml", "0 3 * * *", "0 4 * * *")
    applied.tdr("apply", "--yes", GITHUB_SHA="0123abcd")
    newest = max((applied.state / "runs").glob("*.json"))
    kept = valid(json.loads(newest.read_bytes()))
    (changed,) = kept["results"]

    assert (kept["commit"], kept["operation"], kept["approvals"]) == ("0123abcd", "apply", [])
    assert (kept["serial_before"], kept["serial_after"]) == (5, 7)
    assert changed["record_before"]["id"] == changed["record_after"]["id"]
    assert changed["record_before"]["applied"] != changed["record_after"]["applied"]
