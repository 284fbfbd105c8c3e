"""The development cases beside the checkout, as pytest parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "cases"
Check = Callable[..., None]


def cases_of(category: str, checks: Mapping[str, Check]) -> list[Any]:
    """One parameter (check, given) for each of *checks*: case id -> what to do with it."""
    path = FOLDER / f"{category}.yaml"
    if not path.exists():
        absent = pytest.mark.skip(reason="the development cases are not beside this checkout")
        return [pytest.param(None, {}, id=case_id, marks=absent) for case_id in checks]
    cases = {case["id"]: case for case in yaml.safe_load(path.read_text(encoding="utf-8"))["cases"]}
    # A case that nobody has looked at fails instead of going unnoticed.
    assert set(cases) == set(checks)
    return [pytest.param(checks[case_id], cases[case_id]["given"], id=case_id) for case_id in sorted(cases)]
