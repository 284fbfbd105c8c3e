"""The page about gates and policy says what the code does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reconciler.engine.approvals import LIFTABLE, NEVER
from reconciler.manifest.syntax import read_documents
from reconciler.model.environment import EnvironmentSpec
from reconciler.model.policy import Operator, PolicySpec, RuleSet
from reconciler.model.spec import Lifecycle
from reconciler.policy.book import SETS, book_of

PAGE = (Path(__file__).parents[2] / "docs" / "policy.md").read_text(encoding="utf-8")


def test_every_rule_stands_in_the_table_as_it_is() -> None:
    rows = [f"| `{rule.id}` | {name} | {rule.level} | {rule.summary} |\n" for name in RuleSet for rule in SETS[name]]

    assert [row for row in rows if row not in PAGE] == []


def test_every_gate_and_operator_is_named() -> None:
    unnamed = [word for word in (*LIFTABLE, *NEVER, *Operator) if f"`{word}`" not in PAGE and word != "account"]

    assert unnamed == []


def tree_of(text: str) -> Any:
    """One document as the loader reads it: scalars are text."""
    return read_documents(text.encode(), "page.yaml").documents[0].tree


def test_its_examples_are_read() -> None:
    one, two, three = (tree_of(block.split("```")[0]) for block in PAGE.split("```yaml\n")[1:])

    environment = EnvironmentSpec.model_validate(one)
    assert environment.thresholds.kinds["audience"].max_deletes == 0
    assert Lifecycle.model_validate(two["lifecycle"]).ignore[1].until is not None
    assert book_of(PolicySpec.model_validate(three["policy"]), environment.policy).problems == ()
