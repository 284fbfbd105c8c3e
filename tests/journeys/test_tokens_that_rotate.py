"""A refresh token that dies when it is used is kept before anything else happens, and for every process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from stage import BUYERS, PLANTED, Stage, ended, stage_in

from reconciler.emulators.pinterest.knobs import Knobs
from reconciler.emulators.sandbox import Sandbox


@pytest.fixture
def rotating(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with Sandbox(PLANTED, knobs=Knobs(rate_tier="off", refresh="old_dies")) as sandbox:
        stage = stage_in(tmp_path_factory.mktemp("rotating") / "shop", sandbox)
        stage.tdr("apply", "--yes", "--target", "import/customers")
        stage.tdr("run", "import/customers")
        yield stage


def test_every_process_goes_on_from_the_token_of_the_one_before(rotating: Stage) -> None:
    rotating.process("apply", "--yes")
    for buyers in (range(150), range(20, 90)):
        members = rotating.load(buyers)
        rotating.control.end_tokens("access")
        rotating.process("run", "activation/spring-buyers-daily")
        assert rotating.members() == members
    rotating.control.end_tokens("access")
    rotating.process("plan", "--detailed-exitcode")


def test_processes_that_refresh_at_once_do_not_end_each_others_tokens(rotating: Stage) -> None:
    rotating.tdr("apply", "--yes")
    rotating.control.end_tokens("access")
    plans = [rotating.spawn("plan") for _ in range(3)]
    ends = [ended(process) for process in plans]

    assert [process.returncode for process in plans] == [0, 0, 0], ends
    rotating.tdr("plan", "--detailed-exitcode")


def test_a_token_that_expires_in_the_middle_of_a_run_is_replaced(rotating: Stage) -> None:
    rotating.control.fault("token_expired", method="POST", path="/ad_accounts/*/audiences")

    rotating.tdr("apply", "--yes")

    assert (len(rotating.audiences()), len(rotating.control.lists())) == (1, 1)
    assert rotating.members() == rotating.shop_of(range(BUYERS))


def test_a_vendor_that_forgot_what_it_gave_is_asked_with_what_a_person_put_down(applied: Stage) -> None:
    applied.control.reset()  # as a sandbox that was started anew

    said = applied.tdr("plan", "--format", "json")

    assert "audience/spring-buyers" in {
        one["address"] for one in said.document["changes"] if one["actions"] == ["create"]
    }
