"""What every test is given: a process that knows no secret of the tests before it, and as much time as it needs."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from reconciler import known_secrets

# How long an example takes says more about the machine than about the code.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


@pytest.fixture(autouse=True, scope="session")
def _temporary_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The temporary folder of this run, for it and the processes that it starts: some of them are killed and remove nothing."""
    folder = str(tmp_path_factory.mktemp("temporary"))
    kept, told = tempfile.tempdir, os.environ.get("TMPDIR")
    tempfile.tempdir = os.environ["TMPDIR"] = folder
    yield
    tempfile.tempdir = kept
    os.environ.pop("TMPDIR", None)
    if told is not None:
        os.environ["TMPDIR"] = told
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(autouse=True)
def _forgotten_secrets() -> Iterator[None]:
    """Secrets of shared fixtures are made before this one, and stay known."""
    with known_secrets.OF_PROCESS.scope():
        yield


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes are numbered rather than printed: those of an archive hold a time, and two workers must collect one list."""
    return argname if isinstance(val, bytes) else None
