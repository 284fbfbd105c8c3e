"""Which revision of a project is at work."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

_IN_PIPELINES = ("GITHUB_SHA", "CI_COMMIT_SHA")
_LONGEST_S = 5.0


def commit_of(root: Path, environ: Mapping[str, str]) -> str:
    """The commit that the folder *root* was checked out from, as hex digits; "" when nobody knows."""
    for name in _IN_PIPELINES:
        if environ.get(name):
            return environ[name]
    try:
        asked = subprocess.run(
            ["git", "rev-parse", "--verify", "--quiet", "HEAD"],
            cwd=root,
            capture_output=True,
            text=True,
            timeout=_LONGEST_S,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return asked.stdout.strip() if asked.returncode == 0 else ""
