"""A line is completed as a person sees it: by real shells, on a terminal, in a real project."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from shells import completed, environment, has, offered
from stage import Stage

from reconciler.cli import glance
from reconciler.cli.arguments import commands, options
from reconciler.cli.completing import offer
from reconciler.cli.main import tree
from reconciler.model.kinds import KINDS

SHELLS = ["bash", *(pytest.param(name, marks=pytest.mark.slow) for name in ("zsh", "fish"))]
EXAMPLES = sorted(path.parent for path in (Path(__file__).parents[2] / "examples").glob("[0-9]*/tdr.yaml"))
TREE = tree()
VERBS = dict(commands(TREE))
QUERY = """\
apiVersion: tdr/v1
kind: Query
metadata: {{name: {}}}
spec: {{database: shop, sql: "SELECT 1"}}
"""
CASES = {
    "verb": ("tdr pla", ["plan"]),
    "verb of a group": ("tdr state m", ["mend", "migrate", "mv"]),
    "verb behind an option": ("tdr --env prod drif", ["drift"]),
    "option": ("tdr plan --sel", ["--selector"]),
    "option of all verbs": ("tdr plan --qui", ["--quiet"]),
    "option before the verb": ("tdr --parall", ["--parallelism"]),
    "no option twice": ("tdr plan --env prod --en", []),
    "a repeatable option twice": ("tdr plan --target query/buyers --targ", ["--target"]),
    "environment": ("tdr plan --env ", ["prod", "test"]),
    "environment behind =": ("tdr plan --env=p", ["--env=prod"]),
    "environment of a letter": ("tdr plan -e t", ["test"]),
    "format": ("tdr plan --format j", ["json", "junit"]),
    "only formats that the verb has": ("tdr state list --format ", ["json", "text"]),
    "format of a report": ("tdr plan --report j", ["json=", "junit="]),
    "file of a report": ("tdr plan --report json=pl", ["json=plan.json", "json=planned"]),
    "kind": ("tdr schema Aud", ["Audience"]),
    "kind as addresses have it": ("tdr import --kind aud", ["audience"]),
    "choice": ("tdr init --ci ", ["github", "gitlab"]),
    "address": ("tdr explain q", ["query/buyers", "query/visits"]),
    "address of an option": ("tdr plan --target query/v", ["query/visits"]),
    "address of what has several": ("tdr state mv query/b", ["query/buyers"]),
    "address of a project elsewhere": ("tdr -C '../a shop' explain ", ["query/elsewhere"]),
    "addresses in a file": ("tdr plan --target @pl", ["@plan.json", "@planned"]),
    "file": ("tdr show pl", ["plan.json", "planned"]),
    "file behind =": ("tdr plan --out=pl", ["--out=plan.json", "--out=planned"]),
    "folder": ("tdr -C pl", ["planned"]),
    "nothing known": ("tdr rollback ", []),
    "nothing behind the last argument": ("tdr logs query/buyers query", []),
    "no such verb": ("tdr nonsense ", []),
}


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> str:
    name = str(request.param)
    has(name)
    return name


@pytest.fixture
def shop(project: Stage) -> Stage:
    """A project with two environments and two queries, beside another whose folder has a blank in its name."""
    for path in (project.folder / "manifests").glob("*.yaml"):
        path.unlink()
    for name in ("prod", "test"):
        project.write(f"manifests/environments/{name}.yaml", "{}\n")
    project.write("manifests/queries.yaml", QUERY.format("visits") + "---\n" + QUERY.format("buyers"))
    project.write("plan.json", "{}")
    project.write("planned/x.json", "{}")
    project.write("../a shop/tdr.yaml", "apiVersion: tdr/v1\nproject: other\nmanifests: declared\n")
    project.write("../a shop/declared/x.yaml", QUERY.format("elsewhere"))
    (project.folder / "manifests/environments/local.yaml").unlink(missing_ok=True)
    return project


@pytest.mark.parametrize("case", CASES)
def test_a_shell_offers_what_may_stand_there(shop: Stage, shell: str, case: str) -> None:
    line, words = CASES[case]
    assert offered(shell, shop.folder, line) == words


@pytest.mark.parametrize(
    ("line", "whole"),
    [
        ("tdr explain query/b", "tdr explain query/buyers"),
        ("tdr plan --env=pr", "tdr plan --env=prod"),
        ("tdr plan --report js", "tdr plan --report json="),
    ],
)
def test_a_key_completes_the_line(shop: Stage, shell: str, line: str, whole: str) -> None:
    end = "" if shell == "fish" or whole.endswith("=") else " "
    assert completed(shell, shop.folder, line) == whole + end


def test_a_manifest_that_is_being_written_hides_neither_itself_nor_others(shop: Stage, shell: str) -> None:
    shop.write("manifests/half.yaml", 'apiVersion: tdr/v1\nkind: Query\nmetadata:\n  name: half\nspec: {database: "sho')
    shop.write("manifests/binary.yaml", "\0\ufffe{")
    assert shop.tdr("validate", expect=7, TDR_ENV="prod").err
    assert offered(shell, shop.folder, "tdr explain query/") == ["query/buyers", "query/half", "query/visits"]


def test_nothing_is_said_where_there_is_no_project_or_a_broken_one(tmp_path: Path, shell: str) -> None:
    folder = tmp_path / "nowhere"
    folder.mkdir()
    assert offered(shell, folder, "tdr explain ") == []
    (folder / "tdr.yaml").write_text("project: [")
    (folder / "manifests").mkdir()
    (folder / "manifests" / "query.yaml").write_text(QUERY.format("buyers"))
    assert offered(shell, folder, "tdr explain ") == ["query/buyers"]
    assert offered(shell, folder, "tdr plan --env ") == ["local"]


def test_nothing_in_a_project_is_run_by_completing_in_it(shop: Stage, shell: str) -> None:
    """A project may have been fetched from somewhere, and a shell runs what it takes for a command."""
    for name in ("$(touch run)", "`touch run`", "a; touch run", "pro'd", 'pro"d', "p\\x"):
        shop.write(f"manifests/environments/{name}.yaml", "{}\n")
        shop.write("manifests/more.yaml", QUERY.format(json.dumps(name)))
        assert offered(shell, shop.folder, "tdr plan --env ") == ["prod", "test"]
        assert offered(shell, shop.folder, "tdr explain ") == ["query/buyers", "query/visits"]
    assert not (shop.folder / "run").exists()


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_every_option_of_a_verb_is_offered_and_no_other(verb: tuple[str, ...]) -> None:
    own = {name for one in (*options(VERBS[verb]), *options(TREE)) for name in one.names if name.startswith("--")}
    assert set(offer(TREE, verb, "--").words) == own | {"--help"}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_addresses_are_those_that_are_loaded(path: Path, tmp_path: Path) -> None:
    folder = tmp_path / path.name
    shutil.copytree(path, folder, ignore=shutil.ignore_patterns("state"))
    environment, *_ = glance.environments(folder)
    project = Stage(folder, None, {"HOME": str(tmp_path), "TDR_ENV": environment})
    nodes = project.tdr("graph", "--format", "json").document["nodes"]
    assert glance.addresses(folder) == sorted(node["address"] for node in nodes)


@pytest.mark.parametrize(
    "metadata",
    [
        "metadata: {name: vip}",
        "metadata: {labels: {name: other, team: x}, name: 'vip'}  # here",
        'metadata: {\n  "name": "vip",\n  labels: {a: b}}',
        "metadata:\n  name: vip",
        "metadata:\n  # said\n\n    labels:\n      name: other\n    name: vip # here".replace("  # said", "    # said"),
        "metadata:\r\n  labels: {name: other}\r\n  name: vip\r",
    ],
)
def test_a_name_is_found_however_it_is_written(tmp_path: Path, metadata: str) -> None:
    project = Stage(tmp_path, None, {"HOME": str(tmp_path)})
    project.write("tdr.yaml", "apiVersion: tdr/v1\nproject: shop\n")
    file = project.folder / "manifests/x.yaml"
    file.parent.mkdir()
    file.write_bytes(f"apiVersion: tdr/v1\n{metadata}\nkind: Database\nspec: {{}}\n".encode())
    loaded = [node["address"] for node in project.tdr("graph", "--format", "json").document["nodes"]]
    assert glance.addresses(tmp_path) == loaded == ["database/vip"]


@pytest.mark.parametrize("manifests", ["/", "..", "../a shop", "declared\0"])
def test_nothing_outside_of_the_project_is_looked_at(shop: Stage, manifests: str) -> None:
    shop.write("tdr.yaml", f"apiVersion: tdr/v1\nproject: shop\nmanifests: {json.dumps(manifests)}\n")
    assert glance.addresses(shop.folder) == ["query/buyers", "query/visits"]


WATCHED = """\
import sys
def refuse(event, _):
    if event.startswith(("socket.connect", "socket.getaddrinfo", "subprocess.Popen")):
        sys.stdout.write(f"{event}\\n")
sys.addaudithook(refuse)
from reconciler.cli.completion import answer
from reconciler.cli.main import tree
answer(tree(), ["zsh", *sys.argv[1:]])
print(*{"duckdb", "pyarrow", "httpx", "pydantic", "sqlglot", "starlette", "rich"} & set(sys.modules))
"""


@pytest.mark.parametrize("words", [["pl"], ["plan", "--"], ["plan", "--env", ""], ["explain", ""]], ids=" ".join)
def test_nobody_is_asked_and_nothing_large_is_loaded(shop: Stage, words: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, *words],
        cwd=shop.folder,
        env=environment(shop.folder),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[0] == "none 0"
    assert done.stdout.splitlines()[-1] == ""
    assert done.stderr == ""


def test_the_script_is_for_a_shell_that_is_known(project: Stage) -> None:
    assert "complete -F" in project.tdr("completion", "bash").out
    assert "csh" in project.tdr("completion", "csh", expect=64).err
    assert set(offer(TREE, ["kinds"], "").words) == set(KINDS)
