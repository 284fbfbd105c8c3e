"""Options mean the same everywhere, stand where people write them, and come from where people set them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from stage import Stage

from reconciler.cli.arguments import Option, arranged, commands, options
from reconciler.cli.main import tree
from reconciler.cli.precedence import SAID_ON_THE_LINE, variable
from reconciler.errors import UsageError
from reconciler.model.defaults import DefaultsSpec

TREE = tree()
VERBS = dict(commands(TREE))
OF_OTHERS = {"TDR_KEY", "TDR_STATE_KEY", "TDR_SERVICE_KEY", "TDR_TOKENS", "TDR_NOW", "TDR_LOG", "TDR_STATE_DATABASE"}
"""Variables that are no options."""
NOT_IN_SETTINGS = {
    "what a command is to do": {
        *(
            "--all",
            "--accept",
            "--rebuild",
            "--plan",
            "--target",
            "--exclude",
            "--selector",
            "--replace",
            "--refresh",
            "--refresh",
            "--kind",
            "--name-glob",
            "--dry-run",
            "--unmanaged",
            "--check",
            "--diff",
            "--issue",
            "--ci",
            "--version",
        ),
        *(
            "--since-digest",
            "--replan-if-equal",
            "--next",
            "--after",
            "--delay",
            "--name",
            "--parent-segment",
            "--debug",
            "--online",
            "--probe",
            "--vendor",
            "--exit-code",
            "--allow",
            "--what",
            "--label",
            "--title",
            "--branch",
            "--sha",
            "--provider",
        ),
    },
    "where": {"--env", "--directory", "--out", "--from", "--changes", "--state-file", "--report"},
    "that somebody agrees": {"--yes", "--approve", "--reason"},
    "values, which environments have": {"--var", "--var-file"},
}
"""Why an option has no default in tdr.yaml, and which these are."""


def all_options() -> Iterator[tuple[str, Option]]:
    for verb, command in (((), TREE), *VERBS.items()):
        for one in options(command):
            yield " ".join(verb), one


def test_an_option_takes_a_value_everywhere_or_nowhere_and_is_spelled_alike() -> None:
    spellings: dict[str, set[tuple[bool, tuple[str, ...]]]] = {}
    for _, one in all_options():
        spellings.setdefault(one.name, set()).add((one.takes_value, one.names))

    assert {name: forms for name, forms in spellings.items() if len(forms) > 1} == {}


def test_every_option_has_the_variable_of_its_name_and_no_other_has_it() -> None:
    named = {one.name: one.parameter.envvar for _, one in all_options()}

    without = {name.lstrip("-") for name, told in named.items() if told is None}
    assert without == SAID_ON_THE_LINE
    assert {name: told for name, told in named.items() if told not in {None, variable(name)}} == {}
    assert OF_OTHERS.isdisjoint(told for told in named.values() if told)


def test_every_option_has_a_default_in_the_settings_or_a_reason_why_not() -> None:
    names = {one.name for _, one in all_options()}
    settable = {"--" + name.replace("_", "-") for name in DefaultsSpec.model_fields}
    reasoned = set().union(*NOT_IN_SETTINGS.values())

    assert settable <= names
    assert settable.isdisjoint(reasoned)
    assert names - settable - reasoned == set()


VALUES = {True: ["value"], False: []}


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_an_option_before_the_verb_is_one_behind_it(verb: tuple[str, ...]) -> None:
    for one in options(VERBS[verb]):
        for spelling in one.names:
            given = [spelling, *VALUES[one.takes_value]]
            behind = (*verb, *given)
            assert arranged(TREE, [*given, *verb]).arguments == behind
            assert arranged(TREE, [verb[0], *given, *verb[1:]]).arguments == behind
            assert arranged(TREE, behind).arguments == behind
            assert arranged(TREE, behind).verb == verb


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_what_is_common_to_all_may_stand_behind_the_verb(verb: tuple[str, ...]) -> None:
    assert arranged(TREE, [*verb, "--debug", "--no-color"]).arguments == ("--debug", "--no-color", *verb)


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("--env=prod plan", "plan --env=prod"),
        ("-eprod plan", "plan -eprod"),
        ("-ye prod apply", "apply -ye prod"),
        ("-v plan -v", "plan -v -v"),
        ("--env prod plan --env dev", "plan --env prod --env dev"),
        ("apply --reason --debug", "apply --reason --debug"),
        ("apply --debug --reason why", "--debug apply --reason why"),
        ("apply plan.json --debug", "--debug apply plan.json"),
        ("explain -- --debug", "explain -- --debug"),
        ("explain -", "explain -"),
        ("--env prod", "--env prod"),
        ("--nope plan", "--nope plan"),
        ("plan --nope", "plan --nope"),
        ("nope --env prod", "nope --env prod"),
        ("--env", "--env"),
        ("state", "state"),
        ("--help", "--help"),
        ("plan --help", "plan --help"),
    ],
)
def test_each_is_put_where_it_is_looked_for(given: str, read: str) -> None:
    told = arranged(TREE, given.split()).arguments
    if given in {"--env prod", "--env"}:  # no verb is named, so that nobody misses it
        assert told == ()
        return

    assert " ".join(told) == read


@pytest.mark.parametrize("given", ["--yes plan", "plan --yes", "plan -y", "-y plan"])
def test_an_option_of_others_is_refused_with_those_that_have_it(given: str) -> None:
    with pytest.raises(UsageError, match="`tdr plan` has no option") as refused:
        arranged(TREE, given.split())

    assert refused.value.hint == "it goes with apply, destroy, import, refresh, rollback"


def test_options_before_the_verb_work(project: Stage) -> None:
    assert project.tdr("--format", "json", "--env", "local", "plan").document["format"] == "tdr.plan"
    assert "has no option --out" in project.tdr("--out", "x", "validate", expect=64).err


# -- where a value comes from -----------------------------------------------------------------------------------------------


def won(project: Stage, *arguments: str, **environ: str) -> dict[str, tuple[str | None, str]]:
    told: Any = project.tdr("version", "--format", "json", *arguments, **environ).document
    return {one["option"]: (one["value"], one["source"]) for one in told["options"]}


def settings(project: Stage, text: str) -> None:
    project.write("tdr.yaml", f"apiVersion: tdr/v1\nproject: shop\n{text}")


def test_the_line_goes_before_the_environment_that_before_the_settings_and_those_before_what_is_built_in(
    project: Stage,
) -> None:
    assert won(project)["--parallelism"] == ("4", "default")
    settings(project, "defaults: {parallelism: 2, verbose: true}\n")
    assert won(project)["--parallelism"] == ("2", "tdr.yaml")
    assert won(project)["--verbose"] == ("true", "tdr.yaml")
    assert won(project, TDR_PARALLELISM="3")["--parallelism"] == ("3", "environment")
    assert won(project, "--parallelism", "5", TDR_PARALLELISM="3")["--parallelism"] == ("5", "flag")
    assert won(project, "--parallelism=5")["--parallelism"] == ("5", "flag")


def test_the_variable_of_a_flag_with_an_opposite_says_what_its_name_says(project: Stage) -> None:
    assert won(project, TDR_ONLINE="true")["--online"] == ("true", "environment")
    assert won(project, "--online")["--online"] == ("true", "flag")
    assert won(project, "--offline", TDR_ONLINE="true")["--online"] == ("false", "flag")
    assert {one.name: one.parameter.envvar for one in options(VERBS["validate",])}["--online"] == "TDR_ONLINE"


def test_what_is_told_to_win_wins(project: Stage) -> None:
    settings(project, "defaults: {format: json}\n")
    assert project.tdr("plan").document["format"] == "tdr.plan"
    assert "4 to create" in project.tdr("plan", TDR_FORMAT="text").out
    assert project.tdr("plan", "--format", "json", TDR_FORMAT="text").document["format"] == "tdr.plan"

    settings(project, "defaults: {detailed_exitcode: true}\n")
    project.tdr("plan", expect=2)
    project.tdr("plan", expect=0, TDR_DETAILED_EXITCODE="false")


def test_the_settings_of_the_project_that_is_named_count(project: Stage) -> None:
    settings(project, "defaults: {format: json}\n")
    (project.folder / "below").mkdir()

    assert project.tdr("plan", "-C", str(project.folder / "below")).document["format"] == "tdr.plan"


def test_a_repeatable_option_is_split_at_blanks(project: Stage) -> None:
    told = project.tdr("plan", "--format", "json", TDR_TARGET="database/shop table/customers").document

    assert {one["address"] for one in told["changes"]} == {"database/shop", "table/customers"}


def test_values_of_variables_are_told_to_nobody(project: Stage) -> None:
    said = project.tdr("--var", "token=abc-secret-abc", "version", "--format", "json", TDR_VAR_TOKEN="xyz-secret-xyz")

    assert "secret" not in said.out + said.err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("defaults: {paralelism: 2}\n", "parallelism"),
        ("defaults: {parallelism: many}\n", "tdr.yaml:3:"),
        ("defaults: {yes: true}\n", "`yes`"),
        ("defaults: [a]\n", "tdr.yaml:3:"),
    ],
)
def test_a_mistake_in_the_settings_is_told_at_its_place(project: Stage, text: str, words: str) -> None:
    settings(project, text)

    said = project.tdr("plan", expect=7)

    assert words in said.err


def test_a_default_that_no_verb_can_take_is_a_wrong_command_line(project: Stage) -> None:
    settings(project, "defaults: {format: papyrus}\n")

    assert "papyrus" in project.tdr("plan", expect=64).err


def test_a_variable_that_cannot_be_meant_is_a_wrong_command_line(project: Stage) -> None:
    assert "TDR_PARALLELISM" in project.tdr("apply", "--yes", expect=64, TDR_PARALLELISM="0").err


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_every_verb_refuses_what_it_does_not_know_with_64(verb: tuple[str, ...], project: Stage) -> None:
    assert project.tdr(*verb, "--no-such-option", expect=64).err
    assert not os.environ.get("TDR_NO_SUCH_OPTION")
