"""A real Spark for the tests of this folder, which are those of the service and one journey, run on it."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / folder) for folder in ("spark", "service", "journeys")]

from spark_server import spark_server  # noqa: E402 - the path is set above
from stage_fixtures import filled_state, loaded, running_sandbox, stage  # noqa: E402 - as above
from world_fixtures import open_world, open_world_for_all  # noqa: E402 - as above

__all__ = ["filled_state", "loaded", "open_world", "open_world_for_all", "running_sandbox", "stage"]


@pytest.fixture(scope="session")
def spark_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where it answers, such as ``sc://127.0.0.1:43210``."""
    _load_client()
    with spark_server(tmp_path_factory.mktemp("spark")) as url:
        yield url


def _load_client() -> None:
    """Spark's client, which takes a program without a file for the run of its own doctests: the workers of a test run are such."""
    main = vars(sys.modules["__main__"])
    without_file = "__file__" not in main
    if without_file:
        main["__file__"] = __file__
    try:
        importlib.import_module("pyspark.sql.connect.session")
        importlib.import_module("pyspark.sql.connect.client.retries")
    finally:
        if without_file:
            del main["__file__"]
