"""The container: what it copies is there, nobody is root in it, signals reach tdr, and what it installs is what is tested."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

CHECKOUT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))
EXTRAS = ("datafusion", "postgres", "s3")


def instructions() -> list[tuple[str, str]]:
    """Each instruction with what follows it, in order."""
    text = (CHECKOUT / "Containerfile").read_text("utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(word, told) for word, _, told in (line.partition(" ") for line in lines)]


def last_stage() -> list[tuple[str, str]]:
    all_of_them = instructions()
    starts = [place for place, (word, _) in enumerate(all_of_them) if word == "FROM"]
    assert len(starts) > 1, "what builds must not be in what runs"
    return all_of_them[starts[-1] :]


def pins(name: str) -> dict[str, str]:
    """Name -> version of a file of requirements, each of which has hashes."""
    text = (CHECKOUT / "requirements" / name).read_text("utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    assert [line for line in lines if "--hash=sha256:" not in line] == []
    found = [re.match(r"([a-z0-9.-]+)==(\S+)", line) for line in lines]
    return {one[1]: one[2] for one in found if one is not None}


def is_sent(path: str) -> bool:
    """Whether a build is sent *path*: the last line of the list that is about it counts."""
    sent = True
    for line in (CHECKOUT / ".containerignore").read_text("utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        pattern = line.removeprefix("!").removeprefix("**/")
        parts = Path(path).parts
        about = (
            any(fnmatch(part, pattern) for part in parts)
            if line.startswith("**/")
            else any(fnmatch("/".join(parts[: depth + 1]), pattern) for depth in range(len(parts)))
        )
        if about:
            sent = line.startswith("!")
    return sent


def test_every_file_that_is_copied_is_there_and_sent_to_the_build() -> None:
    copied = [told.split() for word, told in instructions() if word == "COPY"]
    sources = [name for words in copied if not words[0].startswith("--from=") for name in words[:-1]]

    assert sources
    for name in sources:
        assert (CHECKOUT / name).exists(), name
        assert is_sent(name), name
    assert not any(word == "ADD" for word, _ in instructions())


@pytest.mark.parametrize(
    "path",
    [".env", "state/local/state.json", "reconciler/__pycache__/x.pyc", "reconciler/.env", ".git/config", "tdr.yaml"],
)
def test_what_is_of_nobody_elses_business_is_not_sent(path: str) -> None:
    assert not is_sent(path)


def test_docker_leaves_out_the_same_as_podman() -> None:
    assert (CHECKOUT / ".dockerignore").read_bytes() == (CHECKOUT / ".containerignore").read_bytes()


def test_nobody_is_root_in_it() -> None:
    users = [told for word, told in last_stage() if word == "USER"]

    assert users
    assert re.fullmatch(r"[1-9][0-9]*:[1-9][0-9]*", users[-1])


def test_signals_reach_tdr_for_no_shell_is_in_between() -> None:
    stage = dict(last_stage())

    assert json.loads(stage["ENTRYPOINT"]) == ["/tdr/bin/tdr"]
    assert isinstance(json.loads(stage["CMD"]), list)
    assert all(isinstance(json.loads(told), list) for word, told in instructions() if word == "RUN")


def test_nothing_secret_is_asked_for() -> None:
    told = [told for word, told in instructions() if word in {"ARG", "ENV"}]

    assert [line for line in told if re.search(r"key|secret|token|password", line, re.IGNORECASE)] == []


def test_it_installs_by_hash_and_nothing_but_what_is_tested() -> None:
    tested, runtime, build = pins("dev.txt"), pins("runtime.txt"), pins("build.txt")
    wanted = [*PROJECT["project"]["dependencies"]]
    for extra in EXTRAS:
        wanted += PROJECT["project"]["optional-dependencies"][extra]

    assert {canonicalize_name(Requirement(line).name) for line in wanted} <= runtime.keys()
    assert {canonicalize_name(Requirement(line).name) for line in PROJECT["build-system"]["requires"]} <= build.keys()
    assert (runtime | build).items() <= tested.items()
    assert all(
        Requirement(line).specifier.contains(runtime[canonicalize_name(Requirement(line).name)]) for line in wanted
    )
    for word, told in instructions():
        if word == "RUN" and "install" in json.loads(told):
            assert {"--require-hashes", "--no-index"} & set(json.loads(told)), told


@pytest.mark.slow
def test_it_can_be_built_and_asked(tmp_path: Path) -> None:
    builder = next((name for name in ("podman", "docker") if _answers(name)), None)
    if builder is None:
        pytest.skip("neither podman nor a docker that answers is here")
    told = tmp_path / "image"
    subprocess.run([builder, "build", "-q", "-f", "Containerfile", "--iidfile", told, "."], cwd=CHECKOUT, check=True)
    image = told.read_text("utf-8").strip()
    try:
        done = subprocess.run([builder, "run", "--rm", image, "--version"], capture_output=True, text=True, check=True)
    finally:
        subprocess.run([builder, "rmi", image], check=False, capture_output=True)
    assert done.stdout.startswith("tdr ")


def _answers(name: str) -> bool:
    return (
        shutil.which(name) is not None
        and not subprocess.run([name, "info"], check=False, capture_output=True).returncode
    )
