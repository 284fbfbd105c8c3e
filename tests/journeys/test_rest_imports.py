"""Imports by a source specification as people keep them: declared, planned, applied, run, changed, and taken over."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from rest_lists import KEY, MANIFESTS, SPECIFICATION, Lists, project, serving, table
from stage import Stage, files_below, leaks

OTHER = "FAKE-other-key-987654321"


@pytest.fixture
def lists() -> Iterator[Lists]:
    with serving() as server:
        yield server


@pytest.fixture
def stage(tmp_path: Path, lists: Lists) -> Stage:
    return project(tmp_path / "shop", lists)


def plan(stage: Stage, **environ: Any) -> dict[str, int]:
    summary: dict[str, int] = stage.tdr("plan", "--format", "json", **environ).document["summary"]
    return summary


def test_it_is_planned_applied_and_run_and_the_next_run_asks_from_where_it_ended(stage: Stage, lists: Lists) -> None:
    stage.tdr("apply", "--yes")
    assert plan(stage) == {"noop": 3}

    stage.tdr("run", "import/members")
    first = list(lists.asked)
    lists.members["L1"] = [{"id": "m1", "n": 7}, {"id": "m9", "n": 7}]
    lists.asked.clear()
    stage.tdr("run", "import/members")

    assert [query["offset"] for query in first] == [["0"], ["2"], ["4"], ["5"]]
    assert "since" not in first[0]
    assert "since" in lists.asked[0]
    assert table(stage) == [["m0", 1], ["m1", 7], ["m2", 1], ["m3", 1], ["m4", 1], ["m9", 7]]
    assert plan(stage) == {"noop": 3}, "what a run remembers is nobody's change"


def test_an_answer_without_end_fails_the_run_and_is_told_with_the_way_on(stage: Stage, lists: Lists) -> None:
    stage.tdr("apply", "--yes")
    lists.floods = True

    said = stage.tdr("run", "import/members", expect=1, TDR_MAX_ANSWER_MIB="1")

    assert "answered 200 with more than 1 MiB" in said.err
    assert len(lists.asked) == 1
    lists.floods = False
    stage.tdr("run", "import/members")
    assert len(table(stage)) == 5


def test_another_list_is_read_from_its_beginning(stage: Stage, lists: Lists) -> None:
    stage.tdr("apply", "--yes")
    stage.tdr("run", "import/members")
    lists.members["L2"] = [{"id": "x1", "n": 3}]
    lists.asked.clear()
    stage.edit("manifests/members.yaml", "listId: L1", "listId: L2")

    stage.tdr("apply", "--yes")
    stage.tdr("run", "import/members")

    assert "since" not in lists.asked[0], "the end of the last run says nothing of other rows"
    assert ["x1", 3] in table(stage)


def test_a_key_never_shows_and_its_change_is_seen(stage: Stage, lists: Lists) -> None:
    stage.tdr("apply", "--yes")
    stage.tdr("run", "import/members")
    lists.key = OTHER
    failed = stage.tdr("run", "import/members", expect=None)
    assert failed.code != 0
    assert "authKey1" in stage.tdr("plan", LISTS_KEY=OTHER).out

    stage.tdr("apply", "--yes", LISTS_KEY=OTHER)
    assert plan(stage, LISTS_KEY=OTHER) == {"noop": 3}
    stage.tdr("run", "import/members", LISTS_KEY=OTHER)

    with stage.somebody() as td:
        told = json.dumps([td.connections(), td.bulk_load("members")])
    files = files_below(stage.folder)
    heard = {str(number): text.encode() for number, text in enumerate([*stage.heard, told])}
    assert leaks(files | heard, [KEY, OTHER]) == []


def test_a_load_is_taken_over_and_the_next_plan_is_empty(stage: Stage) -> None:
    stage.tdr("apply", "--yes")
    for address in ("import/members", "connection/lists", "database/shop"):
        stage.tdr("state", "rm", address)
    specification = MANIFESTS["manifests/members.yaml"].split("---\n")[2]
    stage.write("manifests/members.yaml", specification)

    said = stage.tdr("import", "--all", "--yes", "--format", "json", LISTS_AUTHKEY1=KEY)

    assert said.document["left_out"] == []
    [path] = (stage.folder / "manifests/imports").glob("*.yaml")
    assert yaml.safe_load(path.read_text(encoding="utf-8"))["spec"]["from"] == {
        "type": "rest",
        "spec": "members",
        "connection": "lists",
        "params": {"listId": "L1"},
    }


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ('"count",\n        "limitValue": "2"', '"count",\n        "limitValue": "no"', "limitValue"),
        ('"path": "$.members"', '"path": "$.members[*]"', "members[*]"),
        ('"offset"\n', '"offset",\n', "comma"),
    ],
)
def test_what_is_wrong_in_a_specification_is_told_in_its_file_line_and_column(
    stage: Stage, old: str, new: str, place: str
) -> None:
    stage.edit("specs/members.json", old, new)
    text = (stage.folder / "specs/members.json").read_text(encoding="utf-8")
    line = text[: text.index(new)].count("\n") + 1

    said = stage.tdr("validate", expect=7).err

    told = [int(part.split(":")[0]) for part in said.split("specs/members.json:")[1:]]
    assert told
    assert line in told or line + 1 in told
    assert place in said


def test_the_same_in_a_manifest_itself(stage: Stage) -> None:
    definition = yaml.safe_dump(SPECIFICATION["sourceSpec"], sort_keys=False).replace("type: OFFSET", "type: OFSET")
    indented = "".join(f"    {line}\n" for line in definition.splitlines())
    stage.edit("manifests/members.yaml", "  file: specs/members.json\n", f"  definition: |\n{indented}")
    text = (stage.folder / "manifests/members.yaml").read_text(encoding="utf-8")
    before = text[: text.index("type: OFSET")]

    said = stage.tdr("validate", expect=7).err

    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    assert f"manifests/members.yaml:{line}:{column}" in said


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("listId: L1", "listId: x1", "must keep `pattern: ^L`"),
        (", params: {listId: L1}", "", "'listId' is a required property"),
        ("auth: KeyBased", "auth: BasicAuthentication", "has no authentication 'BasicAuthentication'"),
        ('  params: {host: "${var:lists}"}\n', "", "there is no host"),
        ("spec: members,", "spec: member,", "did you mean"),
        ('params: {host: "${var:lists}"}', "params: {password: plain}", "write it in `secrets`"),
    ],
    ids=["input", "no input", "authentication", "host", "specification", "secret"],
)
def test_what_does_not_fit_together_is_told_before_anything_is_made(
    stage: Stage, old: str, new: str, words: str
) -> None:
    stage.edit("manifests/members.yaml", old, new)
    said = stage.tdr("plan", expect=None)
    assert said.code not in {0, 2}
    assert words in said.out + said.err


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            "allowed_hosts: [127.0.0.1]",
            'allowed_hosts: ["*.example.com"]',
            "none of the hosts that the connection allows",
        ),
        ("  allow_private: true\n", "", "is not https"),
    ],
    ids=["host", "private"],
)
def test_credentials_go_nowhere_else(stage: Stage, lists: Lists, old: str, new: str, words: str) -> None:
    stage.edit("manifests/members.yaml", old, new)
    stage.tdr("apply", "--yes")
    failed = stage.tdr("run", "import/members", expect=None)
    assert failed.code != 0
    assert words in failed.out + failed.err
    assert lists.asked == []


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("http://joe:FAKE-host-password@127.0.0.1", "holds a name or a password"),
        ("joe:FAKE-host-password@127.0.0.1", "holds a name or a password"),
        ("https://FAKE-host-password@api.example.com:443", "holds a name or a password"),
        ("https://[", "is not the address of a host"),
        ("https://api.example.com:0", "is not the address of a host"),
        ("https://api.example.com:port", "is not the address of a host"),
        ("ftp://api.example.com", "is not the address of a host"),
    ],
)
def test_an_address_that_is_none_is_refused_and_shows_no_password(stage: Stage, host: str, words: str) -> None:
    said = stage.tdr("validate", TDR_VAR_lists=host, expect=7)

    assert f"urlParams.host: {words}" in said.err or f"urlParams.host: {host!r} {words}" in said.err
    assert "FAKE-host-password" not in said.out + said.err
