"""A wrong command line is 64 whatever the verb: the whole tree of them is walked, so that a new one is held to it."""

from __future__ import annotations

import pytest
from stage import Stage

from reconciler.cli.arguments import commands, options
from reconciler.cli.main import tree

TREE = tree()
VERBS = {" ".join(verb): command for verb, command in commands(TREE)}
LEAST = {
    "ci check": ["report.json"],
    "ci comment": ["report.json"],
    "ci drift-issue": ["drift.json"],
    "ci label": ["report.json"],
    "ci find-plan": ["--out", "plan.json"],
    "ci propose": ["--branch", "tdr/accept"],
    "completion": ["bash"],
    "init": ["--ci", "github"],
    "apply": ["--yes"],
    "destroy": ["--yes"],
    "refresh": ["--yes"],
    "diff": ["a.json", "b.json"],
    "explain": ["query/buyers-per-month"],
    "import": ["--all"],
    "lock release": ["some-id"],
    "logs": ["query/buyers-per-month"],
    "preview": ["import/customers"],
    "rollback": ["some-run", "--yes"],
    "retry": ["query/buyers-per-month"],
    "run": ["query/buyers-per-month"],
    "schedule explain": ["@daily"],
    "show": ["a.json"],
    "state migrate": ["--from", "local"],
    "state mv": ["query/buyers-per-month", "query/buyers"],
    "state push": ["state.json"],
    "state restore": ["1"],
    "state rm": ["query/buyers-per-month"],
    "tdx read": ["."],
    "tdx write": ["."],
}
"""What a verb cannot do without."""
ASKING = {"apply": [], "destroy": [], "import": ["--rebuild"], "refresh": [], "rollback": ["some-run"]}
"""The verbs that ask a person, with what makes them do it."""

NUMBERS = ("--limit", "--max-chars", "--next", "--parallelism", "--port", "--rows")
VALUED = {option.name: verb for verb, command in VERBS.items() for option in options(command) if option.takes_value}
"""Options that take a value, with a verb that has each."""


def required(verb: str) -> list[str]:
    return [one.name for one in VERBS[verb].params if one.required]


def with_env() -> list[str]:
    return [verb for verb, command in VERBS.items() if "--env" in {one.name for one in options(command)}]


def test_what_a_verb_needs_is_known_here() -> None:
    assert set(LEAST) <= set(VERBS)
    assert [verb for verb in VERBS if required(verb) and verb not in LEAST] == []
    assert [verb for verb, command in VERBS.items() if "--yes" in {one.name for one in options(command)}] == [*ASKING]


@pytest.mark.parametrize("verb", [verb for verb in VERBS if required(verb)])
def test_what_is_needed_and_left_out_is_asked_for(verb: str, project: Stage) -> None:
    assert "error: missing" in project.tdr(*verb.split(), expect=64).err


@pytest.mark.parametrize(
    "verb", [verb for verb, command in VERBS.items() if all(one.nargs == 1 for one in command.params)]
)
def test_what_is_too_much_is_refused(verb: str, project: Stage) -> None:
    takes = sum(one.param_type_name == "argument" for one in VERBS[verb].params)

    said = project.tdr(*verb.split(), *LEAST.get(verb, []), *["1"] * takes, "superfluous", expect=64)

    assert "superfluous" in said.err


@pytest.mark.parametrize("option", VALUED)
def test_an_option_without_its_value_is_refused(option: str, project: Stage) -> None:
    assert option in project.tdr(*VALUED[option].split(), option, expect=64).err


@pytest.mark.parametrize("option", NUMBERS)
def test_a_number_that_is_none_is_refused(option: str, project: Stage) -> None:
    verb = VALUED[option]

    assert f"{option} 'many'" in project.tdr(*verb.split(), *LEAST.get(verb, []), option, "many", expect=64).err


@pytest.mark.parametrize("verb", with_env())
def test_of_several_environments_one_must_be_named_and_none_is_guessed(verb: str, project: Stage) -> None:
    for name in ("dev", "prod"):
        project.write(f"manifests/environments/{name}.yaml", "{}\n")

    said = project.tdr(*verb.split(), *LEAST.get(verb, []), expect=64)

    assert "--env" in said.err
    assert not (project.folder / "state").exists()


@pytest.mark.parametrize("verb", ASKING)
def test_where_nobody_can_answer_a_write_fails_at_once_and_says_how_to_go_on(verb: str, project: Stage) -> None:
    said = project.tdr(verb, *ASKING[verb], expect=64)

    error, hint = said.err.splitlines()
    assert error == "error: nobody is there to ask"
    assert hint.startswith("hint: pass --yes")
    assert said.out == ""
    assert not (project.folder / "state").exists()


@pytest.mark.parametrize(
    ("line", "error", "hint"),
    [
        ("plan --nonsense", "error: no such option: --nonsense", "hint: see `tdr plan --help`"),
        ("nonsense", "error: no such command 'nonsense'", "hint: see `tdr --help`"),
        ("state nonsense", "error: no such command 'nonsense'", "hint: see `tdr state --help`"),
        ("plan --max-chars many", "error: --max-chars 'many' is no whole number", "hint: see `tdr plan --help`"),
        ("explain", "error: missing argument 'ADDRESS", "hint: see `tdr explain --help`"),
    ],
)
def test_a_wrong_command_line_is_told_as_every_other_error(line: str, error: str, hint: str, project: Stage) -> None:
    said = project.tdr(*line.split(), expect=64)

    first, last = said.err.splitlines()
    assert first.startswith(error)
    assert last == hint
    assert said.out == ""


def test_the_variable_of_an_option_is_no_variable_of_manifests(project: Stage) -> None:
    project.edit("manifests/shop.yaml", "kind: Query", "kind: Query # ${var:FILE}")
    project.write(
        "manifests/named.yaml", "apiVersion: tdr/v1\nkind: Database\nmetadata: {name: '${var:FILE}'}\nspec: {}\n"
    )
    project.write("values.yaml", "other: x\n")

    assert "FILE" in project.tdr("validate", expect=7, TDR_VAR_FILE=str(project.folder / "values.yaml")).err
