"""Whoever follows a run stops when its time is over or somebody asks for an end, and says what goes on."""

from __future__ import annotations

import re
import signal
import sqlite3
import time
from contextlib import closing

import pytest
from stage import Stage, ended

ACTIVATION = "activation/spring-buyers-daily"
LISTS = "/ad_accounts/*/customer_lists"
NUMBERS = "UNNEST(sequence(1, 100000))"
LASTING = (
    f"SELECT CAST(count(*) AS varchar) AS email FROM {NUMBERS} a (n) CROSS JOIN {NUMBERS} b (m) WHERE n * m % 7 = 3"
)
"""Ten thousand million rows are counted."""


def shortly(stage: Stage) -> None:
    """No run is followed for longer than a second."""
    stage.write("manifests/environments/local.yaml", 'endpoints: {pinterest: "${var:pinterest}"}\njob_timeout: 1\n')


def lasting(stage: Stage) -> None:
    """A preview's query does not end by itself."""
    stage.edit("manifests/activation.yaml", "SELECT email FROM customers WHERE spring = 'yes'", f'"{LASTING}"')


def slow(stage: Stage) -> None:
    """A run takes two real seconds, which are a hundred of the commands' own."""
    stage.control.fault("slow", delay_s=2, method="*", path=LISTS + "*")


def newest_job(stage: Stage) -> tuple[int, str]:
    """Id and status of the job that was started last."""
    with closing(sqlite3.connect(stage.state / "service" / "service.sqlite")) as kept:
        job_id: int
        status: str
        job_id, status = kept.execute("SELECT id, status FROM jobs ORDER BY id DESC LIMIT 1").fetchone()
    return job_id, status


def test_a_run_is_left_when_its_time_is_over(applied: Stage) -> None:
    applied.load(range(150))
    shortly(applied)
    slow(applied)

    said = applied.tdr("run", ACTIVATION, expect=1)

    assert re.search(rf"error: {ACTIVATION}: job \d+ is not finished after 1 s", said.err)
    assert f"tdr logs {ACTIVATION}" in said.err
    assert "success" in applied.tdr("logs", ACTIVATION).out


def test_the_first_run_of_an_audience_is_left_when_its_time_is_over_and_the_next_apply_goes_on(loaded: Stage) -> None:
    shortly(loaded)
    slow(loaded)

    said = loaded.tdr("apply", "--yes", expect=6)

    assert "is not finished after 1 s" in said.out + said.err
    loaded.control.clear_faults()
    loaded.tdr("apply", "--yes")
    assert len(loaded.audiences()) == 1


def test_a_preview_is_left_when_its_time_is_over_and_its_query_does_not_go_on(loaded: Stage) -> None:
    shortly(loaded)
    lasting(loaded)

    said = loaded.tdr("preview", ACTIVATION, expect=1)

    assert "of its query is not finished after 1 s" in said.err
    assert "job_timeout" in said.err
    assert newest_job(loaded)[1] == "killed"


@pytest.mark.parametrize(
    ("number", "code", "words"),
    [
        (signal.SIGINT, 130, "interrupted before anything was shown"),
        (signal.SIGTERM, 143, "interrupted before anything was shown"),
        (signal.SIGALRM, 1, "the time given by --timeout is over"),
    ],
)
def test_a_preview_is_ended_by_a_signal_and_its_query_does_not_go_on(
    loaded: Stage, number: int, code: int, words: str
) -> None:
    lasting(loaded)
    before, _ = newest_job(loaded)
    process = loaded.spawn("preview", ACTIVATION, "--timeout", "1h")
    while newest_job(loaded)[0] == before and process.poll() is None:
        time.sleep(0.02)

    process.send_signal(number)
    out, err = ended(process)

    assert process.returncode == code, out + err
    assert words in err
    assert newest_job(loaded)[1] == "killed"
