"""The pipelines that init writes, run at each forge over a bare repository: from a proposed change to a closed issue."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from fake_forges import serving
from forge_world import BOT, Change, World
from runner import RUNNERS, GitHubRunner, GitLabRunner
from stage import Stage, environment

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")

QUERY = "manifests/shop.yaml"
DESCRIPTION = "nightly"


@dataclass
class Team:
    """A project in a repository, the forge that it is at, and somebody who works on it."""

    flavour: str
    world: World
    runner: GitHubRunner | GitLabRunner
    desk: Stage
    """Where somebody works: a clone."""

    def propose(self, branch: str, edit: tuple[str, str], path: str = QUERY) -> Change:
        """Push a change to a branch, and open a change request or push to it."""
        self.runner.git(self.desk.folder, "checkout", "--quiet", "-B", branch)
        self.desk.edit(path, *edit)
        self.runner.git(self.desk.folder, "commit", "--quiet", "-am", "a change")
        self.runner.git(self.desk.folder, "push", "--quiet", "--force", "origin", branch)
        known = next((one for one in self.world.changes.values() if (one.branch, one.state) == (branch, "open")), None)
        if known is not None:
            known.head = self.world.head_of(branch)
        change = known or self.world.open_change(branch)
        self.runner.pull_request(change, "synchronize" if known else "opened")
        return change

    def merge(self, change: Change, how: str = "merge") -> None:
        """Merge it, as the button of the forge does."""
        place = self.runner.folder / f"merging-{self.world.number()}"
        self.runner.git(self.runner.folder, "clone", "--quiet", str(self.world.git), str(place))
        match how:
            case "squash":
                self.runner.git(place, "merge", "--quiet", "--squash", change.head)
                self.runner.git(place, "commit", "--quiet", "-m", "squashed")
            case "rebase":
                self.runner.git(place, "cherry-pick", f"main..{change.head}")
            case _:
                self.runner.git(place, "merge", "--quiet", "--no-ff", "-m", "merged", change.head)
        self.runner.git(place, "push", "--quiet", "origin", "main")
        change.state, change.merge_commit = "merged", self.world.head_of("main")
        self.runner.pull_request(change, "closed")
        self.runner.push()
        self.runner.git(self.desk.folder, "checkout", "--quiet", "main")
        self.runner.git(self.desk.folder, "pull", "--quiet", "origin", "main")

    def change_outside(self, cron: str) -> None:
        """Somebody clicks."""
        with self.desk.somebody() as client:
            client.update_saved_query("buyers-per-month", {"cron": cron})


def team_of(flavour: str, folder: Path, url: str, world: World) -> Team:
    place = folder / "desk"
    place.mkdir()
    desk = Stage(place, None, environment(place))
    desk.tdr("init", "--name", "shop")
    desk.tdr("init", "--ci", flavour, "--env", "local")
    shared = folder / "work"
    shared.mkdir()
    (shared / "state").mkdir()
    shutil.move(place / "data", shared / "data")
    for name in ("state", "data"):
        (place / name).symlink_to(shared / name, target_is_directory=True)
    (place / ".gitignore").write_text("state\ndata\n")
    environ = {key: value for key, value in desk.environ.items() if key != "TDR_KEY"}
    secrets = {"TDR_KEY": desk.environ["TDR_KEY"], "TDR_STATE_KEY": "", "TDR_STATE_DATABASE": "", "TD_API_KEY": ""}
    runner = RUNNERS[flavour](world, url, shared, environ, secrets)
    runner.git(place, "init", "--quiet", "--initial-branch", "main")
    runner.git(place, "add", "--all")
    runner.git(place, "commit", "--quiet", "-m", "the beginning")
    runner.git(place, "remote", "add", "origin", str(world.git))
    runner.git(place, "push", "--quiet", "origin", "main")
    desk.tdr("apply", "--yes")
    return Team(flavour, world, runner, desk)


BOTH = pytest.mark.parametrize("team", ["github", "gitlab"], indirect=True)
ONE = pytest.mark.parametrize("team", ["github"], indirect=True)
OTHER = pytest.mark.parametrize("team", ["gitlab"], indirect=True)


@pytest.fixture
def team(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Team]:
    git = tmp_path / "shop.git"
    git.mkdir()
    world = World(git)
    world.in_git("init", "--quiet", "--bare", "--initial-branch", "main")
    with serving(request.param, world) as url:
        yield team_of(request.param, tmp_path, url, world)


CHANGE = ('cron: "0 3 * * *"', 'cron: "0 4 * * *"')


@pytest.mark.slow
@BOTH
def test_from_a_proposed_change_to_a_closed_issue(team: Team) -> None:
    world = team.world
    change = team.propose("later", CHANGE)
    (body,) = world.ours(change.number)
    assert body.startswith("<!-- tdr:plan project=shop env=local v=1 head=" + change.head)
    assert "1 to update" in body
    assert "0 4 * * *" in body
    assert team.runner.job("plan").code == 0, team.runner.job("plan").said
    assert change.labels == {"tdr:local:changes"}

    team.propose("later", (CHANGE[1], 'cron: "0 5 * * *"'))
    (body,) = world.ours(change.number)
    assert "0 5 * * *" in body
    assert "0 4 * * *" not in body
    assert "<summary>Before (1)</summary>" in body

    team.merge(change)
    assert team.runner.job("apply").code == 0, team.runner.job("apply").said
    _, run = world.ours(change.number)
    assert run.startswith("<!-- tdr:run project=shop env=local")
    assert "1 done" in run
    assert team.desk.tdr("plan", "--detailed-exitcode").code == 0

    team.runner.schedule()
    assert world.issues == {}
    team.change_outside("0 6 * * *")
    team.runner.schedule()
    (issue,) = world.open_issues()
    assert "0 6 * * *" in issue.body
    assert issue.author == BOT
    assert issue.comments == []

    team.runner.schedule()
    assert issue.comments == [], "the same drift tells nobody"
    team.change_outside("0 7 * * *")
    team.runner.schedule()
    assert len(issue.comments) == 1
    assert "0 7 * * *" in issue.body

    team.desk.tdr("apply", "--yes")
    team.runner.schedule()
    assert issue.closed_at
    assert world.open_issues() == []
    assert "Nothing differs any more" in issue.comments[-1]

    team.change_outside("0 8 * * *")
    team.runner.schedule()
    assert len(world.issues) == 1, "closed today, so it is opened again"


@pytest.mark.slow
@pytest.mark.parametrize(("team", "how"), [("github", "squash"), ("gitlab", "rebase")], indirect=["team"])
def test_a_merge_of_any_kind_applies_what_was_reviewed(team: Team, how: str) -> None:
    change = team.propose("later", CHANGE)
    team.merge(change, how)
    assert team.runner.job("apply").code == 0, team.runner.job("apply").said
    assert team.desk.tdr("plan", "--detailed-exitcode").code == 0


@pytest.mark.slow
@OTHER
def test_what_nobody_reviewed_is_not_applied(team: Team) -> None:
    team.desk.edit(QUERY, *CHANGE)
    team.runner.git(team.desk.folder, "commit", "--quiet", "-am", "pushed past everybody")
    team.runner.git(team.desk.folder, "push", "--quiet", "origin", "main")
    team.runner.push()
    ended = team.runner.job("apply")
    assert ended.code == 3
    assert "came by no change request" in ended.said
    assert team.desk.tdr("plan", "--detailed-exitcode", expect=2).code == 2


@pytest.mark.slow
@BOTH
def test_a_plan_that_was_put_in_the_place_of_the_reviewed_one_is_refused(team: Team) -> None:
    change = team.propose("later", CHANGE)
    other = team.propose("other", ('cron: "0 4 * * *"', 'cron: "0 9 * * *"'))
    # Whoever can leave files leaves the plan of something else under the name of what was reviewed.
    mine, theirs = (
        next(one for one in reversed(team.world.left) if one.name.endswith(f"pr{n.number}")) for n in (change, other)
    )
    mine.files["plan.json"] = theirs.files["plan.json"]
    team.merge(change)
    ended = team.runner.job("apply")
    assert ended.code == 3
    assert "somebody has changed one of them" in ended.said


@pytest.mark.slow
@ONE
def test_what_was_changed_outside_in_between_makes_the_plan_stale(team: Team) -> None:
    change = team.propose("later", CHANGE)
    with team.desk.somebody() as client:
        client.update_saved_query("buyers-per-month", {"query": "SELECT 1"})
    team.merge(change)
    ended = team.runner.job("apply")
    assert ended.code == 4, ended.said
    assert "exit code 4" in team.world.ours(change.number)[-1]


@pytest.mark.slow
@BOTH
def test_invalid_manifests_are_said_where_the_change_is_discussed(team: Team) -> None:
    change = team.propose("later", CHANGE)
    team.propose("later", (CHANGE[1], "cron: every morning"))
    assert (team.runner.job("check").code, team.runner.job("plan").code) == (7, 7)
    (body,) = team.world.ours(change.number)
    assert f"head={change.head}" in body
    assert "### Manifests: **1 error**" in body
    assert "<summary>Before (1)</summary>" in body
    assert change.labels == set(), "nobody knows what merging would do"
    if team.flavour == "github":
        assert "::error file=manifests/shop.yaml,line=" in team.runner.job("check").said
        assert "::error file=manifests/shop.yaml,line=" in team.runner.job("plan").said
    else:
        (finding,) = json.loads(team.runner.job("check").reports["codequality"])
        assert finding["location"]["path"] == "manifests/shop.yaml"
        assert "terraform" not in team.runner.job("plan").reports


@pytest.mark.slow
@OTHER
def test_the_counts_of_a_plan_are_where_gitlab_looks_for_them(team: Team) -> None:
    team.propose("later", CHANGE)
    assert json.loads(team.runner.job("plan").reports["terraform"]) == {"create": 0, "update": 1, "delete": 0}
    assert json.loads(team.runner.job("check").reports["codequality"]) == []


@pytest.mark.slow
@BOTH
def test_labels_of_others_stay_and_ours_follow_the_plan(team: Team) -> None:
    change = team.propose("later", CHANGE)
    change.labels |= {"bug", "tdr:prod:destroy", "tdr-drift"}
    theirs = {"bug", "tdr:prod:destroy", "tdr-drift"}
    team.propose("later", (CHANGE[1], CHANGE[0]))
    assert change.labels == theirs | {"tdr:local:no-changes"}
    text = (team.desk.folder / QUERY).read_text(encoding="utf-8")
    query = next(part for part in text.split("---\n") if "kind: Query" in part)
    team.propose("later", (query, ""))
    assert change.labels == theirs | {"tdr:local:destroy"}, team.runner.job("plan").said


@pytest.mark.slow
@BOTH
def test_drift_that_is_accepted_is_proposed_and_empties_the_plan(team: Team) -> None:
    team.change_outside("0 6 * * *")
    team.runner.by_hand("query/buyers-per-month/cron")
    assert team.runner.job("accept").code == 0, team.runner.job("accept").said
    (change,) = team.world.changes.values()
    assert change.branch == "tdr/accept-local"
    assert "0 6 * * *" in team.world.in_git("show", f"{change.head}:{QUERY}")
    assert CHANGE[0] in team.world.in_git("show", f"main:{QUERY}")
    team.runner.by_hand("query/buyers-per-month/cron")
    assert len(team.world.changes) == 1, "the one that is open is brought up to date"


@pytest.mark.slow
@BOTH
def test_a_look_that_cannot_see_everything_closes_nothing_and_says_so_the_second_time(team: Team) -> None:
    team.change_outside("0 6 * * *")
    team.runner.schedule()
    team.runner.secrets["TDR_STATE_KEY"] = "unused"
    for path in (team.runner.folder / "state" / "local").glob("state.json"):
        path.write_text("{")
    team.runner.schedule()
    assert len(team.world.open_issues()) == 1
    team.world.past_failed = True
    team.runner.schedule()
    assert len(team.world.open_issues()) == 2
    scan = max(team.world.open_issues(), key=lambda one: one.number)
    assert scan.body.startswith("<!-- tdr:drift-scan project=shop env=local")


@pytest.mark.slow
def test_a_change_that_is_closed_unmerged_says_that_nothing_was_applied(tmp_path: Path) -> None:
    git = tmp_path / "shop.git"
    git.mkdir()
    world = World(git)
    world.in_git("init", "--quiet", "--bare", "--initial-branch", "main")
    with serving("github", world) as url:
        team = team_of("github", tmp_path, url, world)
        change = team.propose("later", CHANGE)
        change.state = "closed"
        for _ in range(2):
            team.runner.pull_request(change, "closed")
        (body,) = world.ours(change.number)
        assert body.count("Closed, not applied") == 1


@pytest.mark.slow
def test_a_fork_is_checked_and_sees_no_secret(tmp_path: Path) -> None:
    git = tmp_path / "shop.git"
    git.mkdir()
    world = World(git)
    world.in_git("init", "--quiet", "--bare", "--initial-branch", "main")
    with serving("github", world) as url:
        team = team_of("github", tmp_path, url, world)
        team.runner.git(team.desk.folder, "checkout", "--quiet", "-B", "theirs")
        team.desk.edit(QUERY, *CHANGE)
        team.runner.git(team.desk.folder, "commit", "--quiet", "-am", "a change")
        team.runner.git(team.desk.folder, "push", "--quiet", "origin", "theirs")
        team.runner.pull_request(world.open_change("theirs"), "opened", of_fork=True)
    assert [job.name for job in team.runner.jobs] == ["check"]
    assert world.calls == []
