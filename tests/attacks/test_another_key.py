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


SECRET = "client_secret: ${secret:env:PINTEREST_CLIENT_SECRET}"
COUNTED = 'client_secret: {{secret: "${{secret:env:PINTEREST_CLIENT_SECRET}}", version: {}}}'
CONNECTION = ("--target", "connection/pinterest-main")


def secrets_told(stage: Stage, key: str = "") -> list[str]:
    """What a plan says of the client's secret, under another key when one is given."""
    if key:
        shutil.rmtree(stage.state / "tokens", ignore_errors=True)
    said = stage.tdr("plan", *CONNECTION, **({"TDR_KEY": key} if key else {}))
    return lines_about(said.out, "settings.client_secret ")


def count(stage: Stage, before: str, after: str) -> None:
    stage.edit("manifests/pinterest.yaml", before, after)


def test_a_version_that_is_added_is_no_rotation_and_one_that_is_counted_up_is(connected: Stage) -> None:
    count(connected, SECRET, COUNTED.format(1))
    connected.tdr("plan", *CONNECTION, "--detailed-exitcode")
    connected.tdr("apply", "--yes", *CONNECTION)

    count(connected, COUNTED.format(1), COUNTED.format(2))

    assert secrets_told(connected) == ["~ settings.client_secret (secret changed)"]
    connected.tdr("apply", "--yes", *CONNECTION)
    connected.tdr("plan", *CONNECTION, "--detailed-exitcode")


def test_without_the_key_the_version_decides(connected: Stage) -> None:
    count(connected, SECRET, COUNTED.format(1))
    connected.tdr("apply", "--yes", *CONNECTION)

    assert secrets_told(connected, OTHER_KEY) == []
    count(connected, COUNTED.format(1), COUNTED.format(2))
    assert secrets_told(connected, OTHER_KEY) == ["~ settings.client_secret (secret changed)"]


def test_without_the_key_and_a_version_on_either_side_nobody_can_tell(connected: Stage) -> None:
    count(connected, SECRET, COUNTED.format(1))

    (told,) = secrets_told(connected, OTHER_KEY)

    assert "(secret cannot be compared: fingerprinted with another key)" in told


@pytest.mark.parametrize("version", ["0", "two", "1.5", "FAKE-secret-1"])
def test_a_version_is_a_whole_number_and_nothing_is_shown_of_another(connected: Stage, version: str) -> None:
    count(connected, SECRET, COUNTED.format(version))

    said = connected.tdr("validate", expect=7)

    assert "`spec.client_secret` must be a reference, or one with a version beside it" in said.err
    assert "FAKE" not in said.err


def test_a_literal_secret_with_a_version_is_refused_and_not_shown(connected: Stage) -> None:
    count(connected, SECRET, "client_secret: {secret: FAKE-literal, version: 1}")

    said = connected.tdr("validate", expect=7)

    assert "FAKE" not in said.err
