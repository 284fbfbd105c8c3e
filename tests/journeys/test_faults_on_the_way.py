"""Whatever the vendor does to a run, the run after it ends with exactly the members of the query."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from stage import BUYERS, PLANTED, Stage, stage_in

from reconciler.emulators.pinterest.knobs import Knobs
from reconciler.emulators.sandbox import Sandbox

ACTIVATION = "activation/spring-buyers-daily"
WRITES = {"path": "/ad_accounts/*/customer_lists/**", "method": "PATCH"}
FAULTS: dict[str, dict[str, Any]] = {
    "rate_limited": {"kind": "rate_limited", "reset_s": 0},
    "unavailable": {"kind": "error", "status": 503},
    "unavailable for long": {"kind": "error", "status": 503, "count": 40},
    "cut": {"kind": "cut"},
    "answer lost": {"kind": "answer_lost"},
    "answer lost again and again": {"kind": "answer_lost", "count": 40},
    "slow": {"kind": "slow", "delay_s": 0.2},
    "token expired": {"kind": "token_expired"},
    "truncated": {"kind": "truncated"},
    "cut midway": {"kind": "cut_midway"},
    "malformed": {"kind": "malformed"},
    "a page of HTML": {"kind": "html", "status": 502},
}


OFTEN = {
    "replace": set(FAULTS),
    "add": {"answer lost", "truncated"},
    "remove": {"answer lost", "unavailable"},
    "clear": {"cut"},
}
"""What is tried in the default run; the rest is slow."""
CASES = [
    pytest.param(membership, fault, marks=() if fault in OFTEN[membership] else pytest.mark.slow)
    for membership in OFTEN
    for fault in FAULTS
]


@pytest.fixture
def impatient(loaded: Stage) -> Stage:
    return without_patience(loaded)


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory, filled_state: Path) -> Iterator[Stage]:
    """One applied project with a vendor of its own, for all faults in turn."""
    with Sandbox(PLANTED, knobs=Knobs(rate_tier="off")) as sandbox:
        stage = without_patience(stage_in(tmp_path_factory.mktemp("faults") / "shop", sandbox))
        shutil.copytree(filled_state, stage.folder / "state", ignore=shutil.ignore_patterns("tokens"))
        stage.tdr("apply", "--yes")
        yield stage


@pytest.mark.parametrize(("membership", "fault"), CASES)
def test_members_are_exact_after_the_fault(standing: Stage, membership: str, fault: str) -> None:
    standing.control.clear_faults()
    if not standing.members():
        declare(standing, "replace")
        standing.load(range(BUYERS))
        standing.tdr("run", ACTIVATION)
    declare(standing, membership)
    before = standing.members()
    # Another set of customers each time, so that there is something to send.
    first = list(FAULTS).index(fault) * 7
    found = standing.load(range(first, first + 90))
    standing.control.fault(**(WRITES | FAULTS[fault]))

    codes = rerun(standing, "run", ACTIVATION)

    wanted = {"replace": found, "add": before | found, "remove": before - found, "clear": frozenset()}
    assert standing.members() == wanted[membership], codes
    assert (len(standing.audiences()), len(standing.control.lists())) == (1, 1)


def without_patience(stage: Stage) -> Stage:
    """Retries wait next to nothing, so that faults that last are got over soon."""
    delivery = "  delivery: {retry_count: 2, retry_initial_wait_millis: 10, max_retry_wait_millis: 20}\n"
    path = stage.folder / "manifests/activation.yaml"
    path.write_text(path.read_text(encoding="utf-8") + delivery, encoding="utf-8")
    return stage


def declare(stage: Stage, membership: str) -> None:
    path = stage.folder / "manifests/activation.yaml"
    text = path.read_text(encoding="utf-8")
    changed = re.sub(r"membership: \w+", f"membership: {membership}", text)
    if changed != text:
        path.write_text(changed, encoding="utf-8")
        stage.tdr("apply", "--yes", "--no-settle", *stage.approvals())


CREATES = {"the list": "/ad_accounts/*/customer_lists", "the audience": "/ad_accounts/*/audiences"}


# An answer that never came is waited for by looking, for as long as the vendor may take to show what was made.
PATIENT = pytest.param("cut", marks=pytest.mark.slow)


@pytest.mark.parametrize("path", CREATES)
@pytest.mark.parametrize("kind", ["answer_lost", PATIENT, "cut_midway", "truncated", "malformed"])
def test_the_answer_to_the_create_is_lost_and_what_it_made_is_adopted(impatient: Stage, path: str, kind: str) -> None:
    expected = impatient.shop_of(range(BUYERS))
    impatient.control.fault(kind, method="POST", path=CREATES[path])

    codes = rerun(impatient, "apply", "--yes")

    assert (len(impatient.audiences()), len(impatient.control.lists())) == (1, 1), codes
    assert impatient.members() == expected
    impatient.tdr("plan", "--detailed-exitcode")


def rerun(stage: Stage, *command: str) -> list[int]:
    """Run it until it succeeds, the fault being over at the latest after the first time; returns the exit codes."""
    codes = [stage.tdr(*command, expect=None).code]
    stage.control.clear_faults()
    while codes[-1] and len(codes) < 3:
        codes.append(stage.tdr(*command, expect=None).code)
    assert codes[-1] == 0, codes
    return codes
