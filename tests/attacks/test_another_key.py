"""A secret that stays is no difference, one that changes is one line, and another key is told as what it is."""

from __future__ import annotations

import base64
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "journeys"))

from stage import PLANTED, Stage, stage_in

from reconciler.emulators.sandbox import Sandbox

OTHER_KEY = base64.urlsafe_b64encode(b"another key of the journeys, 32!").decode()


@pytest.fixture
def connected(tmp_path: Path) -> Iterator[Stage]:
    """A connection is applied: three secrets."""
    with Sandbox(PLANTED) as sandbox:
        stage = stage_in(tmp_path / "shop", sandbox)
        (stage.folder / "manifests/activation.yaml").unlink()
        stage.tdr("apply", "--yes")
        yield stage


def lines_about(text: str, word: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if word in line]


def test_a_secret_that_stays_is_no_difference(connected: Stage) -> None:
    connected.tdr("plan", "--detailed-exitcode")


def test_a_secret_that_changes_is_one_line_and_converges(connected: Stage) -> None:
    connected.environ["PINTEREST_CLIENT_SECRET"] = "FAKE-rotated-secret"
    said = connected.tdr("plan", "--target", "connection/pinterest-main")

    assert lines_about(said.out, "(secret") == ["~ settings.client_secret (secret changed)"]

    connected.tdr("apply", "--yes", "--target", "connection/pinterest-main", expect=None)
    connected.tdr("plan", "--target", "connection/pinterest-main", "--detailed-exitcode")


def test_another_key_is_told_and_not_taken_for_other_secrets(connected: Stage) -> None:
    refused = connected.tdr("plan", expect=1, TDR_KEY=OTHER_KEY)
    shutil.rmtree(connected.state / "tokens")  # as the hint of the refusal says
    said = connected.tdr("plan", "--target", "connection/pinterest-main", TDR_KEY=OTHER_KEY)

    assert "but the key from TDR_KEY is" in refused.err
    told = "(secret cannot be compared: fingerprinted with another key)"
    assert [line.partition("(")[1] + line.partition("(")[2] for line in lines_about(said.out, "compared")] == [told] * 3
    assert "nobody can tell whether 3 secrets changed; they are sent again" in said.out
    assert "set TDR_KEY to the key of the last apply" in said.out
    assert "(secret changed)" not in said.out
    assert "[secret_unverifiable]" in said.out
