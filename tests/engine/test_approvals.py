"""A yes is bound to one rule and one plan."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reconciler import engine
from reconciler.engine.approvals import LIFTABLE, NEVER, Approval, flag, held, is_liftable
from reconciler.errors import StalePlan, UsageError
from reconciler.model.plan import Gate

ONE = "sha256:" + "1" * 64
OTHER = "sha256:" + "2" * 64
DELETES, PROTECTED = Gate("deletes", "4 of 10 resources"), Gate("protected", "query/a is protected")


@pytest.mark.parametrize("rule", [*LIFTABLE, "policy:columns-not-named"])
def test_an_approval_lifts_its_rule_and_no_other(rule: str) -> None:
    gates = (Gate(rule, "first"), Gate(rule, "second"), Gate("ambiguous_identity", "two of one name"))

    assert held(gates, [Approval.parse(f"{rule}={ONE}")], ONE) == gates[2:]


def test_without_approvals_everything_is_held() -> None:
    assert held((DELETES, PROTECTED), (), ONE) == (DELETES, PROTECTED)


@pytest.mark.parametrize("rule", NEVER)
def test_what_is_a_question_of_fact_is_never_lifted(rule: str) -> None:
    with pytest.raises(UsageError, match=f"no approval lifts `{rule}`") as refused:
        Approval.parse(f"{rule}={ONE}")

    assert refused.value.hint == NEVER[rule]
    assert flag(rule, ONE) == ""


def test_a_rule_that_nobody_has_thought_about_is_not_lifted() -> None:
    assert not is_liftable("brand_new_rule")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("deletes", "'deletes' is no approval"),
        ("deletes=sha256:1234", "'deletes=sha256:1234' is no approval"),
        ("=" + ONE, "there is no rule `` to approve"),
        ("delete=" + ONE, "there is no rule `delete` to approve"),
        ("policy:=" + ONE, "there is no rule `policy:` to approve"),
    ],
)
def test_what_is_no_approval_is_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError) as refused:
        Approval.parse(text)

    assert refused.value.message == message
    assert refused.value.hint


def test_an_approval_of_another_plan_is_stale() -> None:
    with pytest.raises(StalePlan) as refused:
        held((DELETES,), [Approval("deletes", OTHER)], ONE)

    assert refused.value.message == f"the approval of `deletes` is for the plan {OTHER}, and this one is {ONE}"


def test_an_approval_that_lifts_nothing_is_a_mistake() -> None:
    with pytest.raises(UsageError, match="no gate `protected` holds this plan") as refused:
        held((DELETES,), [Approval("protected", ONE)], ONE)

    assert refused.value.hint == "gates that hold it: deletes"


def test_every_gate_of_the_engine_stands_in_one_of_the_two_tables() -> None:
    sources = [path.read_text(encoding="utf-8") for path in Path(engine.__path__[0]).glob("*.py")]
    rules = {rule for source in sources for rule in re.findall(r'Gate\(\s*"(\w+)"', source)}
    refusals = {why for source in sources for why in re.findall(r'Outcome\.REFUSE,\s*why="(\w+)"', source)}

    assert len(rules) > 10
    assert rules | refusals <= LIFTABLE.keys() | NEVER.keys()
    assert not LIFTABLE.keys() & NEVER.keys()


def test_a_flag_reads_back_as_its_approval() -> None:
    word, text = flag("deletes", ONE).split()

    assert (word, Approval.parse(text)) == ("--approve", Approval("deletes", ONE))
