"""What the README and the other pages name is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from pydantic import TypeAdapter

from reconciler.cli.arguments import options
from reconciler.cli.main import tree
from reconciler.engine.drift import Verdict
from reconciler.model.spec import Adopt, OnDelete
from reconciler.model.state_place import StatePlace
from reconciler.reports.drift import SYMBOLS

CHECKOUT = Path(__file__).parents[2]
README = (CHECKOUT / "README.md").read_text(encoding="utf-8")
PAGES = [
    CHECKOUT / "README.md",
    *sorted((CHECKOUT / "docs").glob("*.md")),
    *sorted((CHECKOUT / "docs/how-to").glob("*.md")),
    *sorted((CHECKOUT / "examples").rglob("*.md")),
]
PIPELINES = sorted((CHECKOUT / "examples").glob("*/.g*/**/*.yml")) + sorted((CHECKOUT / "examples").glob("*/.g*.yml"))
GROUP = tree()
OF_ALL = {name for one in options(GROUP) for name in one.names}
"""Options that go with every verb."""
VERBS = GROUP.commands  # type: ignore[attr-defined] # a group, as the app has several verbs


def test_every_verb_of_the_readme_is_one() -> None:
    named = set(re.findall(r"`tdr ([a-z]+)", README))

    assert len(named) > 20
    assert named - set(VERBS) == set()


def test_every_verb_is_in_the_readme() -> None:
    unnamed = {verb for verb in VERBS if f"`tdr {verb}" not in README}

    assert unnamed - {"version"} == set()


def _options(command: object) -> set[str]:
    own = {name for parameter in command.params for name in parameter.opts}  # type: ignore[attr-defined]
    return own.union(*(_options(verb) for verb in getattr(command, "commands", {}).values()))


def _commands(text: str) -> list[str]:
    """What is written as a command: after `$`, after a backtick, or as a step of a pipeline."""
    step = r"^ *- (?:run: )?(?:exec )?|^ {6,}(?:run: )?(?:exec )?"
    written = re.findall(rf"(?:^\$ |`|{step}|script: \[|\$\()(tdr [a-z][^`\n#\]]*)", text, re.MULTILINE)
    return [line for line in written if "…" not in line.split()[1]]


def test_every_option_of_the_readme_is_one() -> None:
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", README)) - {"--force"}  # which it says is not there

    assert len(named) > 15
    assert named - _options(GROUP) == set()


@pytest.mark.parametrize("page", [*PAGES, *PIPELINES], ids=lambda page: page.relative_to(CHECKOUT).as_posix())
def test_every_command_of_a_page_is_one(page: Path) -> None:
    for line in _commands(page.read_text(encoding="utf-8")):
        _, verb, *words = line.split()
        assert verb in VERBS, line
        command = VERBS[verb]
        if (parts := getattr(command, "commands", None)) and words and words[0] != "…":
            assert words[0] in parts, line
            command = parts[words[0]]
        used = {word.split("=")[0] for word in words if re.match(r"--[a-z]", word)}
        assert used - _options(command) - OF_ALL - {"--help"} == set(), line


@pytest.mark.parametrize("page", PIPELINES, ids=lambda page: page.name)
def test_a_pipeline_plans_applies_and_looks_for_drift(page: Path) -> None:
    text = page.read_text(encoding="utf-8")

    assert yaml.safe_load(text)
    assert {line.split()[1] for line in _commands(text)} >= {"plan", "apply", "drift"}


def test_the_pages_name_every_value_of_a_lifecycle_and_every_verdict() -> None:
    adopting = (CHECKOUT / "docs/adopting.md").read_text(encoding="utf-8")
    drift = (CHECKOUT / "docs/drift.md").read_text(encoding="utf-8")

    assert {value for value in (*Adopt, *OnDelete) if f"`{value}`" not in adopting} == set()
    assert {value for value in Verdict if f"| `{value}` | `{SYMBOLS[value]}` |" not in drift} == set()


def test_its_places_for_a_state_are_such() -> None:
    (block,) = [block for block in re.findall(r"```yaml\n(.*?)```", README, re.DOTALL) if "backend: postgres" in block]
    text = re.sub(r"^# or: ", "state: ", block, flags=re.MULTILINE).replace("\n#      ", "\n  ")
    places = [
        yaml.safe_load(one)["state"]
        for one in text.split("\nstate: ")
        for one in ["state: " + one.removeprefix("state: ")]
    ]

    adapter: TypeAdapter[object] = TypeAdapter(StatePlace)
    schema = adapter.json_schema()
    known = {
        definition["properties"]["backend"]["const"]: set(definition["properties"])
        for definition in schema["$defs"].values()
    }
    assert {place["backend"]: set(place) - known[place["backend"]] for place in places} == {
        "postgres": set(),
        "s3": set(),
        "http": set(),
    }
