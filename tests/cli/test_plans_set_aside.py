"""A plan that sets aside what did not change says what a plan of everything says, whatever was done in between."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stage import SERVICE_KEY, Said, Stage, environment

from reconciler.commands.planning import plan_rest
from reconciler.errors import TdrError
from reconciler.manifest import settled
from reconciler.wiring import open_runtime

NOW = {"TDR_NOW": "2026-03-02T10:00:00+00:00"}
QUERIES = "manifests/queries.yaml"
DATABASE = "apiVersion: tdr/v1\nkind: Database\nmetadata: {name: shop}\nspec: {}\n"
SCHEDULE = 'apiVersion: tdr/v1\nkind: Schedule\nmetadata: {name: nightly}\nspec: {cron: "0 3 * * *"}\n'
ENVIRONMENT = "manifests/environments/local.yaml"


def query(name: str, more: str = "", sql: str = "select 1") -> str:
    """One document."""
    head = f"apiVersion: tdr/v1\nkind: Query\nmetadata: {{name: {name}}}\n"
    return f"{head}spec:\n  database: shop\n  sql: {sql}\n  schedule: nightly\n{more}"


def documents(*texts: str) -> str:
    """One file of them."""
    return "---\n".join(texts)


PLAIN = documents(*(query(name) for name in ("one", "two", "three", "four", "five")))


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that is applied and planned once: five queries that settle, and one whose SQL is a variable."""
    folder = tmp_path_factory.mktemp("settled") / "project"
    folder.mkdir()
    stage = Stage(folder, None, environment(folder) | NOW)
    stage.write("tdr.yaml", "apiVersion: tdr/v1\nproject: shop\n")
    stage.write(ENVIRONMENT, 'variables: {least: "1"}\n')
    stage.write("manifests/shop.yaml", documents(DATABASE, SCHEDULE))
    stage.write(QUERIES, PLAIN)
    stage.write("manifests/variable.yaml", query("variable", sql="select ${var:least}"))
    stage.tdr("apply", "--yes")
    stage.tdr("plan")
    return folder


@pytest.fixture
def stage(unchanged: Path, tmp_path: Path) -> Stage:
    """A copy of it."""
    return copied(unchanged, tmp_path / "copy")


def copied(unchanged: Path, folder: Path) -> Stage:
    """A copy of the project that is as it was left, with what its last plan found settled."""
    shutil.copytree(unchanged, folder)
    return Stage(folder, None, environment(folder) | NOW)


def plan_of_the_rest(stage: Stage) -> Said:
    return stage.tdr("plan", "--detailed-exitcode", expect=None)


def plan_of_everything(stage: Stage) -> Said:
    """The same plan by a tdr that remembers nothing."""
    shutil.rmtree(stage.folder / "state" / ".cache", ignore_errors=True)
    return plan_of_the_rest(stage)


# -- what happens between two plans ----------------------------------------------------------------------------------------

Happening = Callable[[Stage], None]


def written(path: str, text: str) -> Happening:
    return lambda stage: stage.write(path, text) and None


def queries(*texts: str) -> Happening:
    return written(QUERIES, documents(*texts))


def among(stage: Stage, **fields: str) -> None:
    with stage.somebody() as api:
        api.update_saved_query("two", fields)


def deleted(stage: Stage) -> None:
    with stage.somebody() as api:
        api.delete_saved_query("two")


def made(stage: Stage) -> None:
    with stage.somebody() as api:
        api.create_saved_query("six", {"type": "trino", "database": "shop", "query": "select 6"})


def damaged(stage: Stage) -> None:
    file = stage.folder / "state" / ".cache" / "settled-local.json"
    file.write_bytes(file.read_bytes()[:-7])


def at(moment: str) -> Happening:
    return lambda stage: stage.environ.update({"TDR_NOW": moment})


def variable(stage: Stage) -> None:
    stage.environ["TDR_VAR_least"] = "7"


RULED = """\
apiVersion: tdr/v1
project: shop
policy:
  rules:
    - id: queries-have-priority
      severity: error
      select: {kinds: [Query]}
      path: /spec/priority
      operator: exists
      message: has no priority
"""
LET_OFF = f"""{RULED}\
  waivers:
    - {{rule: queries-have-priority, addresses: ["query/*"], owner: us, reason: soon, until: 2026-03-02}}
"""

HAPPENINGS: dict[str, Happening] = {
    "nothing": lambda _stage: None,
    "other SQL": queries(query("one", sql="select 2"), query("two"), query("three"), query("four"), query("five")),
    "a document less": queries(query("one"), query("two"), query("three"), query("four")),
    "no document left": written(QUERIES, "# none\n"),
    "a document more": queries(*(query(name) for name in ("one", "two", "three", "four", "five", "six"))),
    "a document renamed": queries(*(query(name) for name in ("one", "two", "three", "four", "fifth"))),
    "another name at the vendor": queries(
        query("one", "  name: first\n"), *(query(n) for n in ("two", "three", "four"))
    ),
    "a name that another has": queries(query("one", "  name: two\n"), *(query(n) for n in ("two", "three", "four"))),
    "a document twice": written("manifests/again.yaml", query("two")),
    "an address twice": written("manifests/again.yaml", query("two", sql="select 3")),
    "a document elsewhere": queries(*(query(name) for name in ("five", "four", "three", "two", "one"))),
    "a wrong document": written("manifests/wrong.yaml", query("wrong", "  schedul: x\n")),
    "SQL that does not parse": written("manifests/wrong.yaml", query("wrong", sql="selec 1 (")),
    "a lifecycle": queries(query("one", "lifecycle: {protect: true}\n"), query("two"), query("three"), query("four")),
    "another schedule": written("manifests/shop.yaml", documents(DATABASE, SCHEDULE.replace("0 3", "30 4"))),
    "no schedule": written("manifests/shop.yaml", DATABASE),
    "another database": written(
        "manifests/shop.yaml", documents(DATABASE.replace("spec: {}", "spec: {name: mall}"), SCHEDULE)
    ),
    "a database by a near name": written("manifests/shop.yaml", documents(DATABASE.replace("shop", "shops"), SCHEDULE)),
    "a variable": variable,
    "a variable of the environment": written(ENVIRONMENT, 'variables: {least: "2"}\n'),
    "protection by the environment": written(ENVIRONMENT, 'variables: {least: "1"}\nprotect: true\n'),
    "few changes allowed": written(ENVIRONMENT, 'variables: {least: "2"}\nthresholds: {max_updates: 0}\n'),
    "an ignored field that ends soon": written(
        ENVIRONMENT,
        'variables: {least: "1"}\nlifecycle: {query: {ignore: [{path: /priority, reason: x, until: 2026-03-05}]}}\n',
    ),
    "a rule that all break": written("tdr.yaml", RULED),
    "a rule that all break and are let off": written("tdr.yaml", LET_OFF),
    "another project": written("tdr.yaml", "apiVersion: tdr/v1\nproject: mall\n"),
    "a move": written(
        "manifests/moved.yaml", "apiVersion: tdr/v1\nkind: Transitions\nmoved: [{from: query/x, to: query/one}]\n"
    ),
    "a removal told": written(
        "manifests/moved.yaml", "apiVersion: tdr/v1\nkind: Transitions\nremoved: [{from: query/two}]\n"
    ),
    "the vendor's SQL": lambda stage: among(stage, query="select 9"),
    "the vendor's schedule": lambda stage: among(stage, cron="5 5 * * *"),
    "gone at the vendor": deleted,
    "new at the vendor": made,
    "forgotten": lambda stage: stage.tdr("state", "rm", "query/two", "--yes", expect=None) and None,
    "a damaged note": damaged,
    "an hour later": at("2026-03-02T11:00:00+00:00"),
    "a day later": at("2026-03-03T10:00:00+00:00"),
    "a year later": at("2027-03-02T10:00:00+00:00"),
}


def test_what_did_not_change_is_set_aside_and_counted(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in stage.environ.items():
        monkeypatch.setenv(name, value)
    with open_runtime(
        start=stage.folder, environment=None, variables={}, resolve_secrets=True, sets_aside=True
    ) as runtime:
        answer = plan_rest(runtime)
        assert sorted(address.name for address in runtime.loaded.aside) == ["five", "four", "one", "three", "two"]
    assert answer is not None
    document: dict[str, Any] = answer.document
    assert [change["address"] for change in document["changes"]] == ["database/shop", "query/variable"]
    assert document["summary"] == {"noop": 7}
    assert plan_of_the_rest(stage).out.splitlines()[-1] == "No changes. 7 resources as declared."
    assert plan_of_everything(stage).out.splitlines()[-1] == "No changes. 7 resources as declared."


@pytest.mark.parametrize("what", HAPPENINGS)
def test_whatever_happened_the_plan_says_what_a_plan_of_everything_says(what: str, stage: Stage) -> None:
    HAPPENINGS[what](stage)
    # Twice, for the second time what the first one kept is set aside.
    assert [plan_of_the_rest(stage), plan_of_the_rest(stage)] == [plan_of_everything(stage)] * 2


def test_what_was_let_off_until_yesterday_is_not_set_aside_today(stage: Stage) -> None:
    stage.write("tdr.yaml", LET_OFF)
    told = plan_of_the_rest(stage), plan_of_the_rest(stage)
    assert {said.out.splitlines()[1] for said in told} == {"No changes. 7 resources as declared."}
    at("2026-03-03T10:00:00+00:00")(stage)
    late = plan_of_the_rest(stage)
    assert late.code == 7
    assert late == plan_of_everything(stage)


@pytest.mark.slow
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(whats=st.lists(st.sampled_from(sorted(HAPPENINGS)), min_size=2, max_size=4))
def test_so_it_is_after_several_and_a_plan_after_each(whats: list[str], unchanged: Path, tmp_path: Path) -> None:
    stage = copied(
        unchanged, tmp_path / "_".join(str(number) for number in (hash(tuple(whats)), len(list(tmp_path.iterdir()))))
    )
    for what in whats:
        with contextlib.suppress(TdrError):  # what is gone cannot be changed, nor anything through wrong manifests
            HAPPENINGS[what](stage)
        # Not removed in between: what a plan keeps must be right for the ones after it.
        kept = stage.folder / "state" / ".cache"
        told = plan_of_the_rest(stage)
        spare = kept.rename(kept.with_name(".cache-spare"))
        assert told == plan_of_everything(stage)
        shutil.rmtree(kept, ignore_errors=True)
        spare.rename(kept)
    shutil.rmtree(stage.folder)


def test_a_plan_that_is_saved_or_shown_as_json_names_everything(stage: Stage) -> None:
    shown = stage.tdr("plan", "--format", "json").document
    stage.tdr("plan", "--out", "saved.json")
    assert len(shown["changes"]) == shown["summary"]["noop"] == 7
    assert shown["base"]["config_digest"].startswith("sha256:")
    assert stage.tdr("show", "saved.json").out.splitlines()[-1] == "No changes. 7 resources as declared."


def test_an_apply_after_a_plan_of_the_rest_does_all_of_it(stage: Stage) -> None:
    stage.edit("manifests/variable.yaml", "select ${var:least}", "select 5")
    assert "1 to update" in plan_of_the_rest(stage).out
    stage.tdr("apply", "--yes")
    assert plan_of_the_rest(stage) == plan_of_everything(stage)


@pytest.mark.parametrize("damage", [b"", b"x" * 99, b"tdr-settled 1 00000000\n[]", b"tdr-settled 1 5bd5b4a3\n{}"])
def test_a_damaged_note_is_none(damage: bytes, tmp_path: Path) -> None:
    kept = settled.Settled("sha256:1", {"d": "one"}, {"one": "f"})
    settled.save(tmp_path, "local", kept)
    assert settled.read(tmp_path, "local") == kept
    (tmp_path / "settled-local.json").write_bytes(damage)
    assert settled.read(tmp_path, "local") == settled.NOTHING


def test_the_note_holds_no_text_of_a_manifest(stage: Stage) -> None:
    note = (stage.folder / "state" / ".cache" / "settled-local.json").read_bytes()
    assert b"select" not in note
    assert SERVICE_KEY.encode() not in note
