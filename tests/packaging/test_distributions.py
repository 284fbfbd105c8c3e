"""What people install: the wheel and the archive of sources, built once, and used far from the checkout."""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path

import httpx
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import reconciler

CHECKOUT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["project"]
VERSION = reconciler.__version__
SOURCES = ("reconciler", "docs", "examples", "CHANGELOG.md", "README.md", "pyproject.toml", ".gitignore")
LEFT_BY_WORK = (
    "state/local/state.json",
    "examples/01-a-query/state/local/state.json",
    "reconciler/state/x.json",
    "reconciler/__pycache__/errors.cpython-311.pyc",
    ".env",
    "reconciler/.env",
    "docs/.env",
    "examples/demo/customers.parquet",
    "data/customers.csv",
    ".venv/bin/tdr",
    ".pytest_cache/README.md",
    ".mypy_cache/x.json",
    "dist/tdr-0.0.0.tar.gz",
    "tests/test_x.py",
)
LARGEST_BASE_BYTES = 60_000_000
KEY = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s="


@dataclass(frozen=True)
class Built:
    """*wheel* was made of what is in *sources*, as a packager does it."""

    sources: Path
    wheel: Path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Built from a copy of the checkout that somebody worked in."""
    worked_in = tmp_path_factory.mktemp("worked") / "tdr"
    worked_in.mkdir()
    for name in SOURCES:
        there = CHECKOUT / name
        if there.is_dir():
            shutil.copytree(there, worked_in / name, ignore=shutil.ignore_patterns("__pycache__", "state"))
        else:
            shutil.copy(there, worked_in / name)
    for name in LEFT_BY_WORK:
        (worked_in / name).parent.mkdir(parents=True, exist_ok=True)
        (worked_in / name).write_text("left by work")
    out = tmp_path_factory.mktemp("out")
    _hatch(worked_in, "sdist", out)
    archive = out / f"tdr-{VERSION}.tar.gz"
    with tarfile.open(archive) as packed:
        packed.extractall(out, filter="data")
    _hatch(out / f"tdr-{VERSION}", "wheel", out)
    return Built(archive, out / f"tdr-{VERSION}-py3-none-any.whl")


def _hatch(folder: Path, target: str, out: Path) -> None:
    # The backend itself: `python -m build --no-isolation` would ask the same of it.
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", out],
        cwd=folder,
        check=True,
        capture_output=True,
    )


def shipped() -> set[str]:
    """Every file of the package, as the checkout has it."""
    return {
        str(path.relative_to(CHECKOUT))
        for path in (CHECKOUT / "reconciler").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc"
    }


def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as packed:
        return HeaderParser().parsestr(packed.read(f"tdr-{VERSION}.dist-info/METADATA").decode())


def test_the_wheel_holds_the_package_with_all_its_data_and_nothing_else(built: Built) -> None:
    with zipfile.ZipFile(built.wheel) as packed:
        names = {name for name in packed.namelist() if not name.endswith("/")}
    information = {name for name in names if name.startswith(f"tdr-{VERSION}.dist-info/")}

    assert names - information == shipped()
    assert {path.rpartition("/")[2] for path in information} == {"METADATA", "WHEEL", "RECORD", "entry_points.txt"}
    assert "reconciler/py.typed" in names


def test_the_archive_of_sources_holds_what_the_wheel_is_made_of_what_explains_it_and_nothing_else(built: Built) -> None:
    with tarfile.open(built.sources) as packed:
        assert all(one.isfile() or one.isdir() for one in packed.getmembers())
        names = {one.name.partition("/")[2] for one in packed.getmembers() if one.isfile()}

    assert {name.partition("/")[0] for name in names} == {*SOURCES, "PKG-INFO"}
    assert {name for name in names if name.startswith("reconciler/")} == shipped()
    assert names & set(LEFT_BY_WORK) == set()


def test_what_an_index_shows_of_it(built: Built) -> None:
    told = metadata(built.wheel)

    assert (told["Name"], told["Version"]) == ("tdr", VERSION)
    assert told["Requires-Python"] == ">=3.11"
    assert told["Description-Content-Type"] == "text/markdown"
    assert str(told.get_payload()).startswith("# tdr\n")
    assert {"Typing :: Typed", "Programming Language :: Python :: 3.11"} <= set(told.get_all("Classifier", []))
    assert sorted(told.get_all("Provides-Extra", [])) == sorted(PROJECT["optional-dependencies"])


@pytest.mark.slow
def test_it_works_where_it_was_installed(built: Built, tmp_path: Path) -> None:
    """Offline, so what it depends on is that of the tests; the package itself is the installed one."""
    tdr, environ = _installed(built.wheel, tmp_path)
    away = tmp_path / "away"
    away.mkdir()

    def asked(*arguments: str) -> str:
        done = subprocess.run([tdr, *arguments], cwd=away, env=environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert asked("--version") == f"tdr {VERSION}\n"
    asked("init", "--name", "shop", "--ci", "github")
    assert f"tdr=={VERSION}" in next((away / ".github").rglob("*.yml")).read_text("utf-8")
    assert "to create" in asked("plan", "--report", "html=plan.html")
    assert "</html>" in (away / "plan.html").read_text("utf-8")
    asked("apply", "--yes")
    assert "No changes" in asked("plan")
    assert json.loads(asked("schema", "Query"))["type"] == "object"

    with subprocess.Popen(
        [tdr, "serve", "--port", "0", "--dashboard", "127.0.0.1:0"],
        cwd=away, env=environ, stderr=subprocess.PIPE, text=True,
    ) as server:  # fmt: skip
        assert server.stderr is not None
        try:
            said = [server.stderr.readline() for _ in range(2)]
            place = next(line for line in said if line.startswith("Dashboard at ")).split()[-1]
            assert "<h1>shop: local</h1>" in _page(place)
            assert "var(--ink)" in _page(f"{place}assets/dashboard.css")
        finally:
            server.send_signal(signal.SIGTERM)
            server.communicate(timeout=60)


def _installed(wheel: Path, folder: Path) -> tuple[Path, dict[str, str]]:
    venv.create(folder / "venv", with_pip=False, symlinks=True)
    python = folder / "venv" / "bin" / "python"
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index", wheel],
        check=True, capture_output=True, env=os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"},
    )  # fmt: skip
    site = Path(sysconfig.get_path("purelib", vars={"base": str(folder / "venv")}))
    # Files that add folders are read of this one only: the checkout does not come in by the way in which the tests install it.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    environ = {"PATH": os.environ.get("PATH", ""), "HOME": str(folder), "TDR_KEY": KEY, "NO_COLOR": "1"}
    found = subprocess.run(
        [python, "-c", "import reconciler; print(reconciler.__file__)"],
        cwd=folder, env=environ, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert Path(found.stdout.strip()) == site / "reconciler" / "__init__.py"
    return folder / "venv" / "bin" / "tdr", environ


def _page(address: str) -> str:
    answer = httpx.get(address, timeout=60, trust_env=False)
    assert answer.status_code == 200
    return answer.text


def closure(wanted: list[str]) -> dict[str, int]:
    """Name -> bytes on disk of every distribution that *wanted* brings, by what each says of its files when installed."""
    found: dict[str, int] = {}
    open_ends = [(Requirement(line), "") for line in wanted]
    while open_ends:
        requirement, extra = open_ends.pop()
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        installed = importlib.metadata.distribution(name)
        if name not in found:
            found[name] = sum(file.size or 0 for file in installed.files or ())
            open_ends += [(Requirement(line), "") for line in installed.requires or ()]
        open_ends += [(Requirement(line), one) for one in requirement.extras for line in installed.requires or ()]
    return found


def test_what_everybody_installs_stays_small() -> None:
    sizes = closure(PROJECT["dependencies"])
    beside = {name: size for name, size in sizes.items() if name not in {"duckdb", "pyarrow"}}

    assert {"duckdb", "pyarrow", "pydantic-core", "anyio"} <= sizes.keys()
    assert all(beside.values()), "a distribution that lists no files cannot be measured"
    assert sum(beside.values()) < LARGEST_BASE_BYTES, sorted(beside.items(), key=lambda one: -one[1])[:8]


def test_what_only_some_need_is_in_extras() -> None:
    base = closure(PROJECT["dependencies"]).keys()

    for extra, wanted in PROJECT["optional-dependencies"].items():
        names = {canonicalize_name(Requirement(line).name) for line in wanted}
        assert names & base == set(), extra
