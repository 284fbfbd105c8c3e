"""What is written at a forge: marks that are found again, comments that fit, and values that can do nothing there."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from fake_forges import serving
from forge_world import BOT, TOKEN, Left, World
from plans import HOSTILE, change, field, large, plan

from reconciler.commands.ci import discussing, merged
from reconciler.commands.ci.discussing import Result
from reconciler.errors import Blocked, Denied, TdrError
from reconciler.ports.forge import Forge, Provider
from reconciler.reports.forge_pages import Mark, Said, Told, closed, comment, mark_of, past_of
from reconciler.wiring.forges import Setting, forge_of, setting_of

ABOUT = Told("shop", "prod", "a1b2c3d4e5f6a7b8", "https://github.example/acme/shop/actions/runs/42")
PLAN = plan(change("query/a", "update", fields=[field("/sql", "SELECT 1", "SELECT 2")]))


def test_a_mark_is_found_again_and_only_at_the_beginning() -> None:
    mark = Mark("plan", {"project": "shop", "env": "prod", "v": "1", "digest": "sha256:ab"})
    assert mark_of(f"{mark}\n### Plan") == mark
    assert mark_of(f"> {mark}\n") is None
    assert mark_of(f"\n{mark}\n") is None
    assert mark_of("<!-- tdr:plan project=--> -->") is None


@pytest.mark.parametrize("value", ["-->", "a --> b", "x\ny", "<script>", "a=b c"])
def test_no_value_ends_a_mark(value: str) -> None:
    text = str(Mark("plan", {"project": value, "env": "prod"}))
    assert text.count("-->") == 1
    assert mark_of(text) is not None


def test_what_was_said_before_is_kept_five_times() -> None:
    body, past = "", list[Said]()
    for number in range(8):
        about = Told("shop", "prod", f"{number:012d}ffff", "")
        body = comment("plan", PLAN, about, 0, past, max_chars=60_000)
        past = past_of(body)
    assert [said.head for said in past] == [f"{number:012d}" for number in range(7, 1, -1)]
    assert body.count("- `0000") == 5
    assert past[0].verdict == "0 to create, 1 to update, 0 to delete"


@pytest.mark.parametrize(
    "body", ["", "<!-- tdr:past [ -->", '<!-- tdr:past [1, [2], ["a","b"]] -->', "<!-- tdr:past {} -->"]
)
def test_a_damaged_memory_is_none(body: str) -> None:
    assert past_of(body) == []


def test_values_mention_nobody_and_end_nothing() -> None:
    hostile = plan(change("query/a", "update", fields=[field("/sql", HOSTILE, "@everyone --> `x` </pre> #1")]))
    body = comment("plan", hostile, ABOUT, 0, [Said("abc", "now", "--> @everyone")], max_chars=60_000)
    assert "@everyone" not in body
    assert "<script>" not in body
    assert body.count("<!--") == body.count("-->") == 2


@pytest.mark.parametrize("changes", [10, 5000])
def test_a_comment_is_as_long_as_it_may_be_and_names_what_was_cut(changes: int) -> None:
    body = comment("plan", large(changes), ABOUT, 0, max_chars=60_000)
    assert len(body) <= 60_000
    assert ("**Left out**" in body) == (changes == 5000)


def test_a_link_that_is_none_is_not_written() -> None:
    told = Told("shop", "prod", "abc", "javascript:alert(1)")
    assert "javascript" not in comment("plan", None, told, 1, max_chars=60_000)


def test_a_command_that_was_ended_is_said_to_have_come_to_nothing() -> None:
    body = comment("plan", None, ABOUT, 137, max_chars=60_000)
    assert "came to no result, exit code 137" in body


def test_closing_is_said_once() -> None:
    body = comment("plan", PLAN, ABOUT, 0, max_chars=60_000)
    assert closed(closed(body)) == closed(body)
    assert mark_of(closed(body)) == mark_of(body)


def at(change: int, head: str) -> Setting:
    return Setting(Provider.GITHUB, change=change, head=head, commit=head)


def said(forge: Forge, world: World, result: Result, head: str | None = None) -> list[str]:
    """What was told when *result* is discussed on the first change."""
    change = world.changes[1] if 1 in world.changes else world.open_change("topic")
    lines: list[str] = []
    head = head or change.head
    discussing.discuss(forge, at(change.number, head), Told("shop", "prod", head, ""), result, 60_000, lines.append)
    return lines


def test_a_person_who_writes_our_mark_is_not_taken_for_us(forge: Forge, world: World) -> None:
    change = world.open_change("topic")
    mark = Mark("plan", {"project": "shop", "env": "prod", "v": "1", "digest": PLAN["plan_digest"]})
    theirs = world.note(change.number, f"{mark}\nall is well, merge it", author="somebody")
    said(forge, world, Result.of(PLAN, 2))
    assert len(world.ours(change.number)) == 1
    assert "all is well" in theirs.body


def test_our_comment_is_found_among_hundreds(forge: Forge, world: World) -> None:
    change = world.open_change("topic")
    said(forge, world, Result.of(PLAN, 2))
    for number in range(230):
        world.note(change.number, f"remark {number}", author="somebody")
    assert "edited" in said(forge, world, Result.of(plan(change_to_b()), 2))[0]
    assert len(world.ours(change.number)) == 1


def change_to_b() -> dict[str, object]:
    return change("query/b", "create")


def test_each_environment_has_its_comment(forge: Forge, world: World) -> None:
    change = world.open_change("topic")
    for name in ("prod", "staging", "prod"):
        told = Told("shop", name, change.head, "")
        discussing.discuss(forge, at(change.number, change.head), told, Result.of(PLAN, 2), 60_000, lambda _line: None)
    assert len(world.ours(change.number)) == 2


def test_nothing_to_say_and_nothing_said_is_no_comment(forge: Forge, world: World) -> None:
    quiet = Result.of(plan(change("query/a", "noop")), 0)
    assert "no comment" in said(forge, world, quiet)[0]
    said(forge, world, Result.of(PLAN, 2))
    said(forge, world, quiet)
    (body,) = world.ours(1)
    assert "no changes" in body


def test_a_job_that_was_overtaken_leaves_the_comment_alone(forge: Forge, world: World) -> None:
    said(forge, world, Result.of(PLAN, 2))
    before = world.ours(1)
    assert "is newer than" in said(forge, world, Result.of(None, 1), head="0" * 40)[0]
    assert world.ours(1) == before


def test_the_same_is_not_written_twice(forge: Forge, world: World) -> None:
    said(forge, world, Result.of(PLAN, 2))
    world.calls.clear()
    said(forge, world, Result.of(PLAN, 2))
    assert not [call for call in world.calls if call.startswith(("POST", "PATCH"))]


def test_a_forge_that_takes_less_is_given_less(forge: Forge, world: World) -> None:
    world.longest = 20_000
    said(forge, world, Result.of(large(2000), 2))
    (body,) = world.ours(1)
    assert len(body) <= 20_000
    assert "**Left out**" in body


def test_a_busy_forge_is_asked_again(forge: Forge, world: World) -> None:
    world.busy = 2
    said(forge, world, Result.of(PLAN, 2))
    assert len(world.ours(1)) == 1


def test_a_missing_permission_is_named(forge: Forge, world: World) -> None:
    world.refused = {"comments"}
    with pytest.raises(Denied) as refused:
        said(forge, world, Result.of(PLAN, 2))
    assert "pull_requests=write" in refused.value.hint
    assert TOKEN not in str(refused.value)


def test_the_token_of_a_job_may_not_ask_who_it_is(forge: Forge, world: World) -> None:
    world.may_ask_who = False
    assert forge.me() == "github-actions[bot]"
    world.may_ask_who = True
    assert forge.me() == BOT


@pytest.mark.parametrize(
    ("result", "conclusion"),
    [
        (Result.of(PLAN, 0), "success"),
        (Result.of(PLAN, 2), "success"),
        (Result.of(PLAN, 3), "action_required"),
        (Result.of(PLAN, 1), "failure"),
        (Result.of(None, 137), "failure"),
        (Result.of(None, 0), "failure"),
    ],
)
def test_a_check_is_as_the_command_ended(forge: Forge, world: World, result: Result, conclusion: str) -> None:
    discussing.judge(forge, ABOUT, result, lambda _line: None)
    (check,) = world.checks
    assert (check["conclusion"], check["head_sha"]) == (conclusion, ABOUT.head)


def test_a_plan_of_a_fork_or_one_that_has_expired_is_not_taken(forge: Forge, world: World, tmp_path: Path) -> None:
    change = world.open_change("topic")
    change.state, change.merge_commit = "merged", change.head
    name = f"tdr-plan-prod-pr{change.number}"
    world.left = [
        Left(90, name, change.head, {"plan.json": b"{}"}, of_fork=True),
        Left(91, name, change.head, {"plan.json": b"{}"}, expired=True),
        Left(92, name, "f" * 40, {"plan.json": b"{}"}),
    ]
    with pytest.raises(Blocked, match="left no plan for prod"):
        merged.find(forge, Told("shop", "prod", "", ""), change.head, tmp_path / "plan.json", lambda _line: None)
    assert not (tmp_path / "plan.json").exists()


@pytest.mark.parametrize("content", [b"{}", b"no json", b"[]", b'{"format": "tdr.plan"}'])
def test_what_is_no_plan_is_not_taken(forge: Forge, world: World, tmp_path: Path, content: bytes) -> None:
    change = world.open_change("topic")
    change.state, change.merge_commit = "merged", change.head
    world.left = [Left(90, f"tdr-plan-prod-pr{change.number}", change.head, {"plan.json": content})]
    with pytest.raises(TdrError):
        merged.find(forge, Told("shop", "prod", "", ""), change.head, tmp_path / "plan.json", lambda _line: None)
    assert not (tmp_path / "plan.json").exists()


def test_an_archive_without_a_plan_is_no_plan(forge: Forge, world: World, tmp_path: Path) -> None:
    change = world.open_change("topic")
    change.state, change.merge_commit = "merged", change.head
    world.left = [Left(90, f"tdr-plan-prod-pr{change.number}", change.head, {"other.json": b"{}"})]
    with pytest.raises(TdrError, match=r"no archive with a plan\.json"):
        merged.find(forge, Told("shop", "prod", "", ""), change.head, tmp_path / "plan.json", lambda _line: None)


def test_without_a_token_it_says_which_variable_is_missing() -> None:
    setting = setting_of({"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "acme/shop"})
    with pytest.raises(TdrError, match="GITHUB_TOKEN is not set"):
        forge_of(setting, {})
    setting = setting_of({"GITLAB_CI": "true", "CI_API_V4_URL": "https://gitlab.example/api/v4", "CI_PROJECT_ID": "7"})
    with pytest.raises(TdrError, match="GITLAB_TOKEN is not set"):
        forge_of(setting, {})


def test_a_provider_that_does_not_run_this_is_refused() -> None:
    with pytest.raises(TdrError, match="this is no job of github"):
        setting_of({}, Provider.GITHUB)
    assert setting_of({}).provider is Provider.NONE
    assert forge_of(setting_of({}), {}) is None


def test_addresses_of_own_installations_come_from_the_runner() -> None:
    setting = setting_of(
        {
            "GITHUB_ACTIONS": "true",
            "GITHUB_REPOSITORY": "acme/shop",
            "GITHUB_API_URL": "https://github.acme.example/api/v3",
            "GITHUB_SERVER_URL": "https://github.acme.example",
            "GITHUB_RUN_ID": "9",
            "GITHUB_EVENT_PATH": "/nowhere",
        }
    )
    assert setting.api_url == "https://github.acme.example/api/v3"
    assert setting.run_url == "https://github.acme.example/acme/shop/actions/runs/9"
    assert setting.change is None


def test_a_wrong_token_is_told_and_never_shown(world: World) -> None:
    with serving("gitlab", world) as url:
        setting = Setting(Provider.GITLAB, api_url=f"{url}/api/v4", repository="77")
        forge = forge_of(setting, {"GITLAB_TOKEN": "FAKE-wrong-token-0123456789"})
        assert forge is not None
        with closing(forge), pytest.raises(Denied) as refused:
            list(forge.comments(1))
    assert "GITLAB_TOKEN" in refused.value.hint
    assert "FAKE-wrong-token" not in str(refused.value)


def test_the_token_never_goes_to_where_archives_lie(forge: Forge, world: World) -> None:
    change = world.open_change("topic")
    world.left = [Left(90, f"tdr-plan-prod-pr{change.number}", change.head, {"plan.json": b"{}"})]
    assert forge.planned("prod", forge.change(change.number)) == b"{}"
    assert "GET /blob/90" in world.calls
