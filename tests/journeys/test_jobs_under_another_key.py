"""Whoever runs with another key than the one that sealed is told which key is missing and what to do, in jobs, too."""

from __future__ import annotations

import base64

import pytest
from stage import Stage

from reconciler.sealing import key_from

OTHER = base64.urlsafe_b64encode(b"another key of the journeys, 32 b").decode()[:43] + "="


@pytest.mark.parametrize("address", ["import/customers", "activation/spring-buyers-daily"])
def test_a_job_that_cannot_open_what_was_sealed_names_the_variable(applied: Stage, address: str) -> None:
    ours, theirs = (key_id(key) for key in (applied.environ["TDR_KEY"], OTHER))

    said = applied.tdr("run", address, expect=1, TDR_KEY=OTHER)

    assert said.err.splitlines()[-1].partition(" UTC: ")[2] == (
        f"sealed with the key {ours!r}, but the key from TDR_KEY is {theirs!r}; set TDR_KEY to the key it was sealed with"
    )
    applied.tdr("run", address)


def key_id(text: str) -> str:
    return key_from(text, "TDR_KEY").key_id
