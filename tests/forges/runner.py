"""A runner that does what the pipeline files say: jobs whose conditions hold, in order, each in a fresh checkout.

It knows the parts of the two languages that the files of ours use, and refuses what it does not know.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from forge_world import BOT, TOKEN, Change, Left, World

_WORDS = re.compile(r"'(?:[^']*)'|&&|\|\||==|!=|!|\(|\)|[A-Za-z_][\w.-]*(?:\(\))?|\d+")
_TWICE = {"&&": " and ", "||": " or ", "!": " not ", "==": "==", "!=": "!=", "(": "(", ")": ")"}
_LONGEST_S = 300


def evaluated(expression: str, known: Mapping[str, Any]) -> Any:
    """An expression of GitHub Actions or of GitLab's rules. What is not known is nothing."""
    parts = []
    for word in _WORDS.findall(expression.replace("$", "").replace('"', "'")):
        if word in _TWICE:
            parts.append(_TWICE[word])
        elif word.startswith("'") or word.isdigit():
            parts.append(word)
        else:
            parts.append(f"known.get({word!r}, '')")
    return eval("".join(parts), {"known": known})  # noqa: S307 - files of ours, in a test


def filled(text: str, known: Mapping[str, Any]) -> str:
    """*text* with its ``${{ … }}`` evaluated."""

    def value(match: re.Match[str]) -> str:
        found = evaluated(match[1], known)
        return {True: "true", False: "false"}.get(found, str(found)) if isinstance(found, bool) else str(found)

    return re.sub(r"\$\{\{(.*?)\}\}", value, text)


@dataclass
class Job:
    """What one job came to. reports: kind -> what the file held that GitLab takes as a report of that kind."""

    name: str
    code: int
    said: str
    reports: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Runner:
    """Runs the pipeline of the repository of *world*. environ: what every job sees. shared: folders of all jobs, as a database is.

    secrets: what the forge hides until a job asks for it.
    """

    world: World
    url: str
    folder: Path
    environ: dict[str, str]
    secrets: dict[str, str]
    shared: tuple[str, ...] = ("state", "data")
    jobs: list[Job] = field(default_factory=list)

    def job(self, name: str) -> Job:
        """The newest run of a job."""
        return next(job for job in reversed(self.jobs) if job.name == name)

    def checkout(self, *commits: str) -> Path:
        """A fresh clone at a commit; with two, at what merging the second into the first gives."""
        place = self.folder / f"job-{len(list(self.folder.glob('job-*')))}"
        self.git(self.folder, "clone", "--quiet", str(self.world.git), str(place))
        self.git(place, "checkout", "--quiet", "--detach", commits[0])
        if len(commits) > 1:
            self.git(place, "merge", "--quiet", "--no-ff", "-m", "merged to try", commits[1])
        for name in self.shared:
            if (self.folder / name).exists():
                if (place / name).is_dir():
                    shutil.rmtree(place / name)
                (place / name).symlink_to(self.folder / name, target_is_directory=True)
        return place

    def git(self, folder: Path, *arguments: str) -> str:
        who = ["-c", "user.name=someone", "-c", "user.email=someone@localhost", "-c", "init.defaultBranch=main"]
        done = subprocess.run(["git", *who, *arguments], cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def bash(self, script: str, place: Path, environ: Mapping[str, str]) -> tuple[int, str]:
        """What a runner does with the lines of a step; installing is left out, for tdr is there."""
        lines = [line for line in script.splitlines() if not re.match(r"\s*(pip|apt-get) ", line)]
        done = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", "\n".join(lines)],
            cwd=place,
            env={**self.environ, **environ, "PATH": f"{Path(sys.executable).parent}:{self.environ['PATH']}"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_LONGEST_S,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr


class GitHubRunner(Runner):
    """Runs `.github/workflows/tdr.yml`."""

    def pull_request(self, change: Change, action: str = "synchronize", *, of_fork: bool = False) -> None:
        """What happens when a pull request is opened, pushed to or closed."""
        merged = change.state == "merged"
        pull = {
            "number": change.number,
            "merged": merged,
            "head": {"sha": change.head, "repo": {"full_name": "somebody/shop" if of_fork else "acme/shop"}},
        }
        event = {"action": action, "number": change.number, "pull_request": pull}
        commits = (self.world.head_of("main"),) if action == "closed" else (self.world.head_of("main"), change.head)
        self._run("pull_request", event, commits)

    def push(self) -> None:
        """What happens when the branch moves."""
        self._run("push", {}, (self.world.head_of("main"),))

    def schedule(self) -> None:
        """What happens at night."""
        self._run("schedule", {}, (self.world.head_of("main"),))

    def by_hand(self, accept: str) -> None:
        """What happens when somebody starts it."""
        self._run("workflow_dispatch", {"inputs": {"accept": accept}}, (self.world.head_of("main"),))

    def _run(self, name: str, event: dict[str, Any], commits: tuple[str, ...]) -> None:
        first = self.checkout(*commits)
        workflow = yaml.safe_load((first / ".github/workflows/tdr.yml").read_text("utf-8"))
        known: dict[str, Any] = {
            "github.event_name": name,
            "github.repository": "acme/shop",
            "github.token": TOKEN,
            "github.sha": self.git(first, "rev-parse", "HEAD"),
            **dict(_flat("github.event", event)),
            **dict(_flat("inputs", event.get("inputs", {}))),
            **{f"secrets.{key}": value for key, value in self.secrets.items()},
            "always()": True,
            "cancelled()": False,
        }
        well: set[str] = set()
        for job, told in workflow["jobs"].items():
            # Where what a job needs was skipped or failed it is skipped, unless it asks to look itself.
            if told.get("needs", job) not in {*well, job} and "cancelled()" not in str(told["if"]):
                continue
            if not evaluated(str(told["if"]), known):
                continue
            ended = self._job(job, told, workflow["env"], {**known}, event, commits)
            self.jobs.append(ended)
            if not ended.code:
                well.add(job)

    def _job(
        self,
        name: str,
        told: dict[str, Any],
        environ: dict[str, str],
        known: dict[str, Any],
        event: dict[str, Any],
        commits: tuple[str, ...],
    ) -> Job:
        place = self.checkout(*commits)
        scratch = place.with_name(place.name + ".runner")
        scratch.mkdir()
        (scratch / "event.json").write_text(json.dumps(event), "utf-8")
        runner = {
            "GITHUB_ACTIONS": "true",
            "GITHUB_REPOSITORY": "acme/shop",
            "GITHUB_API_URL": self.url,
            "GITHUB_SERVER_URL": "https://github.example",
            "GITHUB_RUN_ID": "42",
            "GITHUB_SHA": self.git(place, "rev-parse", "HEAD"),
            "GITHUB_EVENT_PATH": str(scratch / "event.json"),
            "GITHUB_WORKFLOW_REF": "acme/shop/.github/workflows/tdr.yml@refs/heads/main",
            "GITHUB_REF_NAME": "main",
            "GITHUB_STEP_SUMMARY": str(scratch / "summary"),
            "GITHUB_OUTPUT": str(scratch / "output"),
        }
        heard, code = "", 0
        own = {key: filled(str(value), known) for key, value in {**environ, **told.get("env", {})}.items()}
        for step in told["steps"]:
            if code and not evaluated(str(step.get("if", "")) or "''", known):
                continue
            if "uses" in step:
                self._used(step, place, known, event)
                continue
            at = {key: filled(str(value), known) for key, value in step.get("env", {}).items()}
            ended, said = self.bash(filled(step["run"], known), place, {**runner, **own, **at})
            heard += said
            code = code or ended
            if step.get("id") and (scratch / "output").exists():
                for line in (scratch / "output").read_text("utf-8").splitlines():
                    key, _, value = line.partition("=")
                    known[f"steps.{step['id']}.outputs.{key}"] = value
        return Job(name, code, heard)

    def _used(self, step: dict[str, Any], place: Path, known: dict[str, Any], event: dict[str, Any]) -> None:
        action = step["uses"].partition("@")[0]
        if action == "actions/checkout":
            return
        assert action == "actions/upload-artifact", action
        names = [name for name in step["with"]["path"].split() if (place / name).exists()]
        files = {name: (place / name).read_bytes() for name in names}
        head = event["pull_request"]["head"]["sha"]
        self.world.left.append(Left(self.world.number(), filled(step["with"]["name"], known), head, files))


class GitLabRunner(Runner):
    """Runs `.gitlab-ci.yml`."""

    def pull_request(self, change: Change, action: str = "synchronize", *, of_fork: bool = False) -> None:
        """What happens when a merge request is opened or pushed to. One of a fork runs in the fork, with nothing of ours."""
        assert not of_fork
        if action != "closed":
            variables = {
                "CI_PIPELINE_SOURCE": "merge_request_event",
                "CI_MERGE_REQUEST_IID": str(change.number),
                "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
                "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": change.head,
            }
            self._run(variables, (self.world.head_of("main"), change.head))

    def push(self) -> None:
        """What happens when the branch moves."""
        self._run({"CI_PIPELINE_SOURCE": "push", "CI_COMMIT_BRANCH": "main"}, (self.world.head_of("main"),))

    def schedule(self) -> None:
        """What happens at night."""
        self._run({"CI_PIPELINE_SOURCE": "schedule"}, (self.world.head_of("main"),))

    def by_hand(self, accept: str) -> None:
        """What happens when somebody starts it."""
        self._run({"CI_PIPELINE_SOURCE": "web", "ACCEPT": accept}, (self.world.head_of("main"),))

    def _run(self, variables: dict[str, str], commits: tuple[str, ...]) -> None:
        first = self.checkout(*commits)
        told = yaml.safe_load((first / ".gitlab-ci.yml").read_text("utf-8"))
        environ = {
            "GITLAB_CI": "true",
            "CI_API_V4_URL": f"{self.url}/api/v4",
            "CI_PROJECT_ID": "77",
            "CI_COMMIT_SHA": self.git(first, "rev-parse", "HEAD"),
            "CI_DEFAULT_BRANCH": "main",
            "CI_JOB_URL": "https://gitlab.example/acme/shop/-/jobs/42",
            "CI_REPOSITORY_URL": str(self.world.git),
            "GITLAB_USER_LOGIN": BOT,
            "GITLAB_TOKEN": TOKEN,
            **self.secrets,
            **told["variables"],
            **variables,
        }
        failed = False
        for stage in told["stages"]:
            jobs = {name: job for name, job in told.items() if isinstance(job, dict) and job.get("stage") == stage}
            was_failed = failed  # jobs of one stage run side by side
            for name, job in jobs.items():
                rule = next((rule for rule in job["rules"] if evaluated(rule["if"], environ)), None)
                if rule is None or (was_failed and rule.get("when") != "always"):
                    continue
                ended = self._job(name, job, environ, commits)
                self.jobs.append(ended)
                failed |= bool(ended.code) and ended.code not in job.get("allow_failure", {}).get("exit_codes", ())

    def _job(self, name: str, job: dict[str, Any], environ: dict[str, str], commits: tuple[str, ...]) -> Job:
        place = self.checkout(*commits)
        code, heard = self.bash("\n".join(job["script"]), place, environ)
        if "after_script" in job:
            heard += self.bash("\n".join(job["after_script"]), place, environ)[1]
        names = job.get("artifacts", {}).get("paths", ())
        files = {path: (place / path).read_bytes() for path in names if (place / path).exists()}
        if number := environ.get("CI_MERGE_REQUEST_IID"):
            head = environ["CI_COMMIT_SHA"]
            if name == "plan" and not code:
                self.world.left.append(Left(self.world.number(), f"plan-pr{number}", head, files))
        reports = {
            kind: (place / path).read_text("utf-8")
            for kind, path in job.get("artifacts", {}).get("reports", {}).items()
            if (place / path).exists()
        }
        return Job(name, code, heard, reports)


def _flat(prefix: str, told: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in told.items():
        if isinstance(value, Mapping):
            yield from _flat(f"{prefix}.{name}", value)
        else:
            yield f"{prefix}.{name}", value


RUNNERS: dict[str, type[GitHubRunner | GitLabRunner]] = {"github": GitHubRunner, "gitlab": GitLabRunner}
