"""The page on segments says what really works."""

from __future__ import annotations

import json
import re
from pathlib import Path

import yaml
from stage import Stage

from reconciler.http.request import Request, Safety
from reconciler.model.segments import Comparison

PAGE = (Path(__file__).parents[2] / "docs" / "segments.md").read_text(encoding="utf-8")
EXAMPLE = Path(__file__).parents[2] / "examples" / "02-an-audience" / "manifests"
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


def test_its_example_is_applied_settles_counts_people_and_goes(project: Stage) -> None:
    project.write("manifests/segments.yaml", BLOCKS[0])
    project.tdr("apply", "--yes")
    project.tdr("run", "import/customers")
    project.tdr("plan", "--detailed-exitcode")

    with project.somebody() as client:
        client._http.json(Request("POST", "/audiences/1/run", safety=Safety.ONCE))
    with project.somebody() as client:  # the service ends what it builds before it leaves
        listed = client._http.json(Request("GET", "/audiences/1/segments", safety=Safety.READ))

    assert {one["name"]: one["population"] for one in listed} == {"spring-buyers": 3, "spring-buyers-elsewhere": 1}
    project.tdr("destroy", "--yes", "--env", "local")
    assert project.records() == {}


def test_its_behaviour_is_one_and_its_conditions_are_such(project: Stage) -> None:
    documents = list(yaml.safe_load_all(BLOCKS[0]))
    documents[0]["spec"] |= yaml.safe_load(BLOCKS[1])
    conditions = [yaml.safe_load(one) for one in re.findall(r"`(\{(?:attribute|behavior|segment): .*?\})`", PAGE)]
    assert len(conditions) == 3
    documents[0]["spec"]["attributes"].append({"name": "Country", "column": "country"})
    documents[2]["spec"]["where"] = {"all": [one for one in conditions if "segment" not in one]}
    documents[3]["spec"]["where"] = {"all": [one for one in conditions if "segment" in one]}
    project.write("manifests/segments.yaml", "---\n".join(json.dumps(one) + "\n" for one in documents))

    assert project.tdr("validate").out == "The manifests are valid.\n"


def test_its_activation_is_one(project: Stage) -> None:
    audience = (EXAMPLE / "spring_buyers.yaml").read_text(encoding="utf-8").partition("---\n")[0]
    connection = (EXAMPLE / "pinterest.yaml").read_text(encoding="utf-8")
    project.write("manifests/segments.yaml", "---\n".join([BLOCKS[0], BLOCKS[2], audience, connection]))

    assert project.tdr("validate").out == "The manifests are valid.\n"


def test_it_names_every_comparison_and_everything_a_condition_is_about() -> None:
    names = {field.alias or name for name, field in Comparison.model_fields.items()}

    assert {name for name in (*names, "attribute", "behavior", "segment") if f"`{name}`" not in PAGE} == set()
