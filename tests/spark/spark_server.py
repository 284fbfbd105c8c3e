"""A Spark of one's own that answers Spark Connect, for tests."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
SUBMIT = CHECKOUT / ".venv-spark-server" / "bin" / "spark-submit"
_CLASS = "org.apache.spark.sql.connect.service.SparkConnectServer"
_PATIENCE_S = 120


@contextmanager
def spark_server(folder: Path) -> Iterator[str]:
    """Its address, such as ``sc://127.0.0.1:43210``; what it keeps goes below *folder*. Skips where it cannot run."""
    if not SUBMIT.exists():
        pytest.skip("no `.venv-spark-server`: `make check` creates it")
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.skip("no Java, which Spark needs")
    port = _free_port()
    settings = {
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": port,
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.memory": "1g",
        "spark.sql.shuffle.partitions": 2,
        "spark.sql.warehouse.dir": folder / "warehouse",
        "spark.ui.enabled": "false",
    }
    options = [part for name, value in settings.items() for part in ("--conf", f"{name}={value}")]
    log = folder / "spark.log"
    with log.open("wb") as written:
        process = subprocess.Popen(
            [str(SUBMIT), "--master", "local[2]", "--class", _CLASS, *options, "spark-internal"],
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={**os.environ, "PYSPARK_PYTHON": str(SUBMIT.with_name("python"))},
            start_new_session=True,
        )
    try:
        _wait(process, port, log)
        yield f"sc://127.0.0.1:{port}"
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + _PATIENCE_S
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        with socket.socket() as tried:
            tried.settimeout(1)
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    pytest.fail("Spark did not start:\n" + "\n".join(log.read_text(errors="replace").splitlines()[-20:]))


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
