"""What somebody may try who can write to a repository, open a change request, or stand between us and the forge."""

from __future__ import annotations

import itertools
import random
import re
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from forge_doors import Hurried, at_forge
from forge_world import TOKEN, Change, Left, World
from plans import change as changed
from plans import field, plan

from reconciler.apis import github
from reconciler.commands.ci import discussing, merged, proposing
from reconciler.commands.ci.discussing import Result
from reconciler.errors import Blocked, TdrError
from reconciler.model.secret import Secret
from reconciler.ports.forge import ChangeRequest, Forge, Provider
from reconciler.reports.forge_pages import Mark, Told, comment, mark_of
from reconciler.wiring.forges import Setting

PLAN = plan(changed("query/a", "update", fields=[field("/sql", "SELECT 1", "SELECT 2")]))
PLANNED = b'{"format": "tdr.plan"}'
KEY = b"k" * 32


def left(world: World, number: int = 90, **more: bool) -> Change:
    """A merged change whose pipeline left a plan."""
    change = world.changes[1] if 1 in world.changes else world.open_change("topic")
    change.state, change.merge_commit = "merged", change.head
    for name in (f"tdr-plan-prod-pr{change.number}", f"plan-pr{change.number}"):
        world.left.append(Left(number, name, change.head, {"plan.json": PLANNED}, **more))
        number += 1
    return change


def test_pipelines_of_a_fork_are_passed_over(either: Forge, world: World) -> None:
    change = left(world)
    left(world, 190, of_fork=True)
    assert either.planned("prod", either.change(change.number)) == PLANNED
    world.left = [one for one in world.left if one.of_fork]
    assert either.planned("prod", either.change(change.number)) is None


def test_nothing_of_a_fork_is_applied_whoever_ran_its_pipeline(either: Forge, world: World, tmp_path: Path) -> None:
    """A member may let a fork's pipeline run here; what it plans is still what somebody outside wrote."""
    change = left(world)
    change.of_fork = True
    with pytest.raises(Blocked, match="is of a fork"):
        merged.find(either, Told("shop", "prod", "", ""), change.head, tmp_path / "plan.json", lambda _line: None)


def test_pages_without_an_end_are_read_no_further(either: Forge, world: World) -> None:
    change = world.open_change("topic")
    for number in range(230):
        world.note(change.number, f"remark {number}", author="somebody")
    assert len(list(either.comments(change.number))) == 230
    world.ignores_pages = True
    with pytest.raises(TdrError, match="the page before it once more"):
        list(either.comments(change.number))
    assert len(world.calls) < 20


def test_pages_that_go_on_and_on_are_given_up() -> None:
    count = itertools.count()

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=[{"id": next(count), "body": "", "user": {"login": "x"}} for _ in range(100)])

    made = github.connect("https://api.example", "a/b", Secret("x", TOKEN), transport=httpx.MockTransport(answer))
    with closing(made), pytest.raises(TdrError, match="has more than 50000 entries, or its pages have no end"):
        list(made.comments(1))


@pytest.mark.parametrize("elsewhere", ["http://archives.example", "ftp://archives.example", "file://", "gopher://x"])
def test_an_archive_is_fetched_where_nobody_can_change_it_on_the_way(elsewhere: str) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        if request.url.path.endswith("/artifacts"):
            run = {"head_sha": "abc", "repository_id": 1, "head_repository_id": 1}
            row = {"id": 9, "name": "tdr-plan-prod-pr1", "expired": False, "created_at": "", "workflow_run": run}
            return httpx.Response(200, json={"artifacts": [row]})
        return httpx.Response(302, headers={"location": f"{elsewhere}/blob/9"})

    made = github.connect(
        "https://api.example", "a/b", Secret("x", TOKEN), transport=httpx.MockTransport(answer), clock=Hurried()
    )
    with closing(made), pytest.raises(TdrError, match="no address of an archive"):
        made.planned("prod", ChangeRequest(1, "abc"))
    assert {httpx.URL(url).host for url in asked} == {"api.example"}
    assert {httpx.URL(url).scheme for url in asked} == {"https"}


@pytest.mark.parametrize("flavour", ["github", "gitlab"])
def test_a_plan_that_has_no_end_is_not_held(world: World, flavour: str) -> None:
    change = left(world)
    with at_forge(flavour, world, largest_plan_bytes=20_000) as forge:
        for one in world.left:
            one.files["plan.json"] = b" " * 20_000
        assert forge.planned("prod", forge.change(change.number)) == b" " * 20_000
        for one in world.left:
            one.files["plan.json"] = b" " * 20_001
        with pytest.raises(TdrError, match="larger than any plan"):
            forge.planned("prod", forge.change(change.number))


def test_an_archive_that_has_no_end_is_not_held(world: World) -> None:
    change = left(world)
    for one in world.left:
        one.files = {"plan.json": PLANNED, "plan.html": random.Random(1).randbytes(30_000)}
    with (
        at_forge("github", world, largest_plan_bytes=5_000) as forge,
        pytest.raises(TdrError, match="larger than any plan"),
    ):
        forge.planned("prod", forge.change(change.number))


@pytest.mark.parametrize(
    "damage",
    [
        lambda packed: b"no archive",
        lambda packed: packed[: len(packed) // 2],
        lambda packed: packed.replace(PLANNED[:8], b"--------"),
        lambda packed: packed.replace(b"PK\x01\x02\x14\x03\x14\x00\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01\x00"),
        lambda packed: packed.replace(b"\x14\x00\x00\x00\x00\x00", b"\x14\x00\x00\x00\x63\x00"),
    ],
    ids=["no archive", "cut", "changed", "with a password", "packed in another way"],
)
def test_an_archive_that_is_damaged_is_told(forge: Forge, world: World, damage: Callable[[bytes], bytes]) -> None:
    change = left(world)
    world.damage = damage
    with pytest.raises(TdrError, match=r"no archive with a plan\.json"):
        forge.planned("prod", forge.change(change.number))


HOSTILE_URLS = [
    "https://x.example/a) [click](https://evil.example",
    "https://x.example/a\n\n@everyone",
    "https://x.example/<img src=x>",
    "https://x.example/a`b`|c\\",
]


@pytest.mark.parametrize("url", HOSTILE_URLS)
def test_the_address_of_a_run_ends_no_link(url: str) -> None:
    told = Told("shop", "prod", "abc", url)
    for body in (comment("plan", None, told, 1, max_chars=60_000), comment("plan", PLAN, told, 0, max_chars=60_000)):
        (target,) = set(re.findall(r"\[its run\]\(([^)\s]*)\)", body))
        assert re.fullmatch(r"https://x\.example/[A-Za-z0-9%/:=.,_-]*", target), target
        assert "evil.example)" not in body.replace(target, "")


def test_a_mark_of_another_job_under_our_name_is_not_taken_for_ours(
    either: Forge, world: World, tmp_path: Path
) -> None:
    """All jobs of a repository write as one at GitHub; one that repeats what it is told writes anybody's words."""
    change = world.open_change("topic")
    about = Told("shop", "prod", change.head, "", KEY)
    mark = Mark(
        "plan", {"project": "shop", "env": "prod", "v": "1", "head": change.head, "digest": PLAN["plan_digest"]}
    )
    forged = [str(mark), str(mark.sealed(b"another key")), str(Mark(mark.what, {**mark.values, "seal": ""}))]
    for text in forged:
        world.note(change.number, f"{text}\nsaid by somebody")
    setting = Setting(Provider.GITHUB, change=change.number, head=change.head, commit=change.head)
    for _ in range(2):
        discussing.discuss(either, setting, about, Result.of(PLAN, 2), 60_000, lambda _line: None)
    assert len(world.ours(change.number)) == len(forged) + 1
    assert all("said by somebody" in note.body for note in world.notes[: len(forged)])
    ours = mark_of(world.ours(change.number)[-1])
    assert ours is not None
    assert ours.is_sealed(KEY)

    world.notes = world.notes[: len(forged)]
    left(world)
    with pytest.raises(TdrError):
        merged.find(either, about, change.head, tmp_path / "plan.json", lambda _line: None)
    assert discussing.mine(either, change.number, mark, KEY) is None
    assert discussing.mine(either, change.number, mark, b"") is not None, (
        "without a key the author is all that is known"
    )


@pytest.mark.parametrize("name", ["project", "env", "v", "head", "digest"])
def test_a_seal_holds_for_all_of_its_mark(name: str) -> None:
    mark = Mark("plan", {"project": "shop", "env": "prod", "v": "1", "head": "abc", "digest": "sha256:1"})
    sealed = mark_of(str(mark.sealed(KEY)))
    assert sealed is not None
    assert sealed.is_sealed(KEY)
    assert not Mark("plan", {**sealed.values, name: "other"}).is_sealed(KEY)
    assert not Mark("run", sealed.values).is_sealed(KEY)
    assert not sealed.is_sealed(b"another")


def test_names_of_files_do_nothing_in_a_proposal(either: Forge, world: World, tmp_path: Path) -> None:
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@localhost"]
    place = tmp_path / "clone"
    subprocess.run([*git, "clone", "--quiet", "--branch", "main", str(world.git), str(place)], check=True)
    for name in ("```.yaml", "@everyone.yaml", "a`b.yaml", "line\n```\n@somebody #1.yaml", "<pre>.yaml", "#7 !3.yaml"):
        (place / "manifests").mkdir(exist_ok=True)
        (place / "manifests" / name).write_text("{}")
    proposing.propose(either, place, place / "manifests", "tdr/accept-prod", "main", "accept", lambda _line: None)
    (change,) = (one for one in world.changes.values() if one.branch == "tdr/accept-prod")
    assert "everyone.yaml" in change.body
    assert not set("`@#") & set(re.sub(r"&#\d+;", "", change.body))
    assert change.body.count("<") == change.body.count("<pre>") + change.body.count("</pre>") == 2
