"""The site is built without a warning; links between pages are held by the quick tests."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
BUILD = CHECKOUT / ".venv-docs" / "bin" / "sphinx-build"


@pytest.mark.slow
@pytest.mark.skipif(not BUILD.exists(), reason="the site's generator is not installed: `make docs` does it")
def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    command = [BUILD, "-W", "--keep-going", "-q", "-c", "docs", "-d", tmp_path / "doctrees", ".", tmp_path / "site"]
    done = subprocess.run(list(map(str, command)), cwd=CHECKOUT, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    shown = (tmp_path / "site" / "docs" / "reference" / "codes.html").read_text(encoding="utf-8")
    assert 'id="unknown-key"' in shown
    assert (tmp_path / "site" / "index.html").exists()
