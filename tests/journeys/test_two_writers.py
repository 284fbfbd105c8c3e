"""Two at once, and one that is told to stop: never two of anything, and never half a memory."""

from __future__ import annotations

import signal
import subprocess
import time

import pytest
from stage import BUYERS, Stage, ended

LISTS = "/ad_accounts/*/customer_lists"


@pytest.mark.parametrize("patience", ["0s", "60s"])
def test_of_two_applies_one_waits_or_goes_and_one_audience_is_made(loaded: Stage, patience: str) -> None:
    loaded.control.fault("slow", delay_s=1, method="POST", path=LISTS)
    first = loaded.spawn("apply", "--yes", "--lock-timeout", patience)
    second = loaded.spawn("apply", "--yes", "--lock-timeout", patience)
    ends = [ended(process) for process in (first, second)]

    codes = sorted([first.returncode, second.returncode])
    assert codes == ([0, 5] if patience == "0s" else [0, 0]), ends
    assert (len(loaded.audiences()), len(loaded.control.lists())) == (1, 1)
    assert loaded.members() == loaded.shop_of(range(BUYERS))
    loaded.tdr("plan", "--detailed-exitcode")
    writes = [one for one in loaded.control.traffic() if one["method"] == "POST" and "oauth" not in one["path"]]
    assert len(writes) == 2, "one list and one audience were asked for"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGALRM, 6)])
def test_a_signal_ends_an_apply_after_it_saved_and_the_next_one_goes_on(loaded: Stage, number: int, code: int) -> None:
    loaded.control.fault("slow", delay_s=2, method="POST", path=LISTS)
    # The alarm of --timeout is sent by hand here, for nobody knows how far an apply gets in how many seconds.
    process = loaded.spawn("apply", "--yes", "--format", "json", "--timeout", "1h")
    wait_for_call(loaded, process, "/customer_lists")

    process.send_signal(number)
    out, err = ended(process)

    assert process.returncode == code, out + err
    assert '"interrupted": true' in out
    assert ("the time given by --timeout is over" in err) is (number == signal.SIGALRM)
    assert not loaded.tdr("lock", "status", "--format", "json").document["locked"]
    assert "database/shop" in loaded.records()
    loaded.tdr("apply", "--yes")
    assert (len(loaded.audiences()), len(loaded.control.lists())) == (1, 1)
    assert loaded.members() == loaded.shop_of(range(BUYERS))
    loaded.tdr("plan", "--detailed-exitcode")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGALRM, 6)])
def test_who_asks_twice_does_not_wait_for_a_vendor_that_is_silent(loaded: Stage, number: int, code: int) -> None:
    loaded.control.fault("slow", delay_s=30, method="POST", path=LISTS)
    process = loaded.spawn("apply", "--yes", "--timeout", "1h")
    wait_for_call(loaded, process, "/customer_lists")

    while process.poll() is None:
        process.send_signal(number)
        time.sleep(0.2)
    out, err = ended(process)

    assert process.returncode == code, out + err
    assert "what was under way is marked as unknown in the journal" in err
    assert [fault["seen"] for fault in loaded.control.call("GET", "/faults")["faults"]] == [1]
    assert not loaded.tdr("lock", "status", "--format", "json").document["locked"]


def test_a_run_of_an_activation_is_ended_by_a_signal_too(applied: Stage) -> None:
    applied.load(range(150))
    applied.control.fault("slow", delay_s=2, method="PATCH", path=LISTS + "/*")
    process = applied.spawn("run", "activation/spring-buyers-daily")
    wait_for_call(applied, process, "/customer_lists/")

    process.send_signal(signal.SIGTERM)
    ended(process)

    assert process.returncode == 143
    applied.control.clear_faults()
    applied.tdr("run", "activation/spring-buyers-daily")
    assert applied.members() == applied.shop_of(range(150))


def wait_for_call(stage: Stage, process: subprocess.Popen[str], path: str) -> None:
    """Until a call that is held up has been seen by its fault, or the process is over."""
    while process.poll() is None:
        if any(fault["seen"] for fault in stage.control.call("GET", "/faults")["faults"]):
            return
        time.sleep(0.02)
    out, err = process.communicate()
    pytest.fail(f"it ended before it called {path}: {out}{err}")
