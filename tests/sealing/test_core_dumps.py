"""A process that holds a secret leaves no memory behind when it crashes; real processes crash here."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

resource = pytest.importorskip("resource")

CRASH = "import os, resource; resource.setrlimit(resource.RLIMIT_CORE, (-1, -1)); {0}; os.abort()"
HOLDING = {
    "a secret": "from reconciler.model.secret import Secret; Secret('env:S', 'FAKE-in-memory')",
    "a token": "from reconciler.ports.tokens import Tokens; Tokens(access_token='FAKE-a', refresh_token='FAKE-b')",
    "whatever tdr is started with": "from reconciler.cli.main import main; main(['version'])",
}


def dumps(folder: Path, holding: str) -> bool:
    """Whether the system wrote a core of a process that crashed while *holding* something."""
    process = os.posix_spawn(
        sys.executable,
        [sys.executable, "-c", f"import os; os.chdir({str(folder)!r}); " + CRASH.format(holding)],
        os.environ,
        file_actions=[(os.POSIX_SPAWN_OPEN, descriptor, os.devnull, os.O_WRONLY, 0) for descriptor in (1, 2)],
    )
    _, status = os.waitpid(process, 0)
    assert os.WIFSIGNALED(status)
    assert os.WTERMSIG(status) == signal.SIGABRT
    return os.WCOREDUMP(status)


@pytest.fixture(scope="module", autouse=True)
def _this_system_dumps(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Without this the tests below would say nothing."""
    if resource.getrlimit(resource.RLIMIT_CORE)[1] == 0:
        pytest.skip("this user may write no cores at all")
    folder = tmp_path_factory.mktemp("plain")
    if not dumps(folder, "pass"):
        pytest.skip("this system writes no cores")
    for core in folder.iterdir():
        core.unlink()


@pytest.mark.parametrize("holding", HOLDING)
def test_what_holds_something_is_not_dumped(tmp_path: Path, holding: str) -> None:
    assert not dumps(tmp_path, HOLDING[holding])
    assert list(tmp_path.iterdir()) == []


def test_programs_that_it_starts_are_not_either() -> None:
    started = "import subprocess, sys; subprocess.run([sys.executable, '-c', {0!r}], check=True)"
    limit = "import resource; print(resource.getrlimit(resource.RLIMIT_CORE)[0])"
    told = subprocess.run(
        [sys.executable, "-c", f"{HOLDING['a secret']}; {started.format(limit)}"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert told.stdout == "0\n"
