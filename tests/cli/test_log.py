"""The log, which is for us: on stderr, and without what people's data say."""

from __future__ import annotations

import pytest

from reconciler.logs import logger


def test_an_exception_is_logged_by_its_kind_and_place(capsys: pytest.CaptureFixture[str]) -> None:
    row = "jane.doe@example.com"
    try:
        int(row)
    except ValueError:
        logger("tests").exception("request failed", path="/v3/job/issue")

    said = capsys.readouterr()

    assert said.out == ""
    assert "level='error' event='request failed' path='/v3/job/issue' error='ValueError' at='" in said.err
    assert f"{__file__}:13" in said.err
    assert row not in said.err
