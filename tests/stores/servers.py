"""Real servers to keep a state at, each started on first need, for one test process."""

from __future__ import annotations

import http.client
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import s3_server


def postgres_programs() -> Path | None:
    """The folder with initdb and postgres."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    on_path = shutil.which("initdb")
    if on_path:
        folders.append(Path(on_path).resolve().parent)
    return next((folder for folder in folders if (folder / "initdb").exists() and (folder / "postgres").exists()), None)


def _another_user() -> str | None:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ("postgres", "nobody") if name in names)


@contextmanager
def postgres(programs: Path) -> Iterator[str]:
    """A connection text of a server that listens on a socket in a folder of its own."""
    user = _another_user()
    # Not in the folder of this run: the path of a socket may not be long, and another user has to get there.
    folder = Path(tempfile.mkdtemp(prefix="tdr-pg-", dir="/tmp"))
    try:
        yield from _served(programs, folder, user)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _served(programs: Path, folder: Path, user: str | None) -> Iterator[str]:
    if user:
        shutil.chown(folder, user)
    data = folder / "data"
    as_user = {"user": user, "extra_groups": []} if user else {}
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    subprocess.run(
        [programs / "initdb", "-D", data, "-U", "tdr", "-A", "trust", "-N", "-E", "UTF8"],
        check=True,
        capture_output=True,
        cwd=folder,
        env=environment,
        **as_user,
    )
    command = [programs / "postgres", "-D", data, "-k", folder, "-c", "listen_addresses=", "-c", "max_connections=300"]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log, **as_user)
        try:
            _wait_for(folder / ".s.PGSQL.5432", server, folder / "log")
            yield f"host={folder} user=tdr dbname=postgres"
        finally:
            server.terminate()
            server.wait()


def _wait_for(socket: Path, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        if server.poll() is not None:
            raise RuntimeError(log.read_text(errors="replace"))
        try:
            psycopg.connect(f"host={socket.parent} user=tdr dbname=postgres").close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(log.read_text(errors="replace"))


@contextmanager
def s3() -> Iterator[str]:
    """The address of an S3 with the bucket `s3_server.BUCKET`."""
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", s3_server.__file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        address = f"http://127.0.0.1:{int(process.stdout.readline())}"
        credential = "AWS4-HMAC-SHA256 Credential=FAKE/20260101/us-east-1/s3/aws4_request"
        connection = http.client.HTTPConnection(address.removeprefix("http://"))
        connection.request("PUT", f"/{s3_server.BUCKET}", b"", {"Authorization": credential})
        assert connection.getresponse().status == 200
        connection.close()
        yield address
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()
