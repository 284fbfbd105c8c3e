"""What the README names is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer.main
import yaml
from pydantic import TypeAdapter

from reconciler.cli.main import app
from reconciler.model.state_place import StatePlace

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
GROUP = typer.main.get_command(app)
VERBS = GROUP.commands  # type: ignore[attr-defined] # a group, as the app has several verbs


def test_every_verb_of_the_readme_is_one() -> None:
    named = set(re.findall(r"`tdr ([a-z]+)", README))

    assert len(named) > 20
    assert named - set(VERBS) == set()


def test_every_verb_is_in_the_readme() -> None:
    unnamed = {verb for verb in VERBS if f"`tdr {verb}" not in README}

    assert unnamed - {"version"} == set()


def test_every_option_of_the_readme_is_one() -> None:
    def options(command: object) -> set[str]:
        own = {name for parameter in command.params for name in parameter.opts}  # type: ignore[attr-defined]
        return own.union(*(options(verb) for verb in getattr(command, "commands", {}).values()))

    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", README)) - {"--force"}  # which it says is not there

    assert len(named) > 15
    assert named - options(GROUP) == set()


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#:]+)\)", README))
def test_every_link_leads_somewhere(link: str) -> None:
    assert (Path(__file__).parents[2] / link).exists()


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
