"""The vendor's client for workflows, over real HTTP on loopback, gets from the service what it asks for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from service_world import KEY, NOW, OpenWorld, World, listening

from reconciler.service.workflows.attempts import NewAttempt

tdworkflow = pytest.importorskip("tdworkflow", reason="no `tdworkflow`: `make test` installs it")

DIG = """
timezone: UTC
schedule:
  daily>: 07:00:00
+a:
  echo>: hello ${who}
"""


@pytest.fixture(scope="module")
def served(open_world_for_all: OpenWorld) -> Iterator[World]:
    """A world, listening on loopback."""
    world = open_world_for_all()
    with listening(world):
        yield world


@pytest.fixture(scope="module")
def client(served: World) -> Iterator[tdworkflow.client.Client]:
    made = tdworkflow.client.Client(endpoint=f"127.0.0.1:{served.port}", apikey=KEY, scheme="http")
    yield made
    made.http.close()


@pytest.fixture
def project(client: tdworkflow.client.Client, tmp_path: Path) -> Iterator[tdworkflow.project.Project]:
    (tmp_path / "queries").mkdir()
    (tmp_path / "main.dig").write_text(DIG)
    (tmp_path / "queries" / "a.sql").write_text("SELECT 1")
    made = client.create_project("from client", str(tmp_path))
    yield made
    assert client.delete_project(made)


def test_projects_and_workflows(
    client: tdworkflow.client.Client, project: tdworkflow.project.Project, tmp_path: Path
) -> None:
    again = client.create_project("from client", str(tmp_path), revision="second")

    assert (again.id, again.revision) == (project.id, "second")
    assert [one.id for one in client.projects(name="from client")] == [project.id]
    assert client.project(project.id).name == "from client"
    assert [one.revision for one in client.project_revisions(project)] == ["second", project.revision]
    [workflow] = client.project_workflows(project)
    assert (workflow.name, workflow.timezone, workflow.config) == (
        "main",
        "UTC",
        {"+a": {"echo>": "hello ${who}"}},
    )
    assert [one.id for one in client.project_workflows_by_name("from client")] == [workflow.id]
    assert [one.id for one in client.workflows()] == [workflow.id]
    assert client.workflow(workflow.id).name == "main"
    assert client.download_project_archive(project, str(tmp_path / "got.tar.gz"))
    assert (tmp_path / "got.tar.gz").stat().st_size


def test_secrets(client: tdworkflow.client.Client, project: tdworkflow.project.Project) -> None:
    assert client.set_secrets(project, {"td.apikey": "one", "other": "two", "third": "three"})
    assert client.secrets(project) == ["other", "td.apikey", "third"]
    assert client.delete_secret(project, "other")
    assert client.delete_secrets(project, ["third"])
    assert client.secrets(project) == ["td.apikey"]


def test_attempts_sessions_tasks_and_logs(
    client: tdworkflow.client.Client, served: World, project: tdworkflow.project.Project
) -> None:
    [workflow] = client.project_workflows(project)
    attempt = client.start_attempt(workflow, "2025-03-01T00:00:00+09:00", workflow_params={"who": "world"})
    assert served.service.wait(30)

    attempt = client.attempt(attempt)
    assert (attempt.status, attempt.success, attempt.params) == ("success", True, {"who": "world"})
    assert client.wait_attempt(attempt, 1).done
    assert [one.id for one in client.attempts(project="from client")] == [attempt.id]
    assert [(task.fullName, task.state) for task in client.attempt_tasks(attempt)] == [
        ("+main", "success"),
        ("+main+a", "success"),
    ]
    [file] = client.log_files(attempt)
    assert client.log_file(attempt, file) == "2025-03-01 09:00:00 UTC: hello world\n"
    assert client.logs(attempt) == ["2025-03-01 09:00:00 UTC: hello world\n"]
    [session] = client.project_sessions(project)
    assert str(session.id) == attempt.sessionId
    assert [one.id for one in client.sessions()] == [session.id]
    assert client.session(session.id).lastAttempt.id == attempt.id
    assert [one.id for one in client.session_attempts(session)] == [attempt.id]
    retried = client.start_attempt(workflow, "2025-03-01T00:00:00+09:00", "again", {"who": "you"})
    assert served.service.wait(30)
    assert [one.id for one in client.retried_attempts(attempt)] == [retried.id, attempt.id]
    with pytest.raises(tdworkflow.exceptions.HttpError):
        client.start_attempt(workflow, "2025-03-01T00:00:00+09:00", "again", {"who": "you"})


def test_a_queued_attempt_is_killed(
    client: tdworkflow.client.Client, served: World, project: tdworkflow.project.Project
) -> None:
    from_thread = served.service.workflows
    [workflow] = client.project_workflows(project)
    row = dict(from_thread.projects.workflow(workflow.id))
    attempt = from_thread.attempts.start(NewAttempt(row, 0, "", {"who": "nobody"}))

    assert client.kill_attempt(attempt).status == "killed"


def test_schedules(client: tdworkflow.client.Client, served: World, project: tdworkflow.project.Project) -> None:
    [schedule] = client.project_schedules(project)
    assert [one.id for one in client.schedules()] == [schedule.id]
    assert client.schedule(schedule.id).next_run_time == datetime(2025, 3, 2, 7, tzinfo=UTC)
    assert client.disable_schedule(schedule).disabled_at == datetime.fromtimestamp(NOW, UTC)
    assert client.enable_schedule(schedule).disabled_at is None
    later = client.skip_schedule(schedule, next_run_time=datetime(2025, 3, 4, tzinfo=UTC))
    assert later.next_run_time == datetime(2025, 3, 4, 7, tzinfo=UTC)
    made = client.backfill_schedule(schedule, "again", datetime(2025, 2, 27, tzinfo=UTC), count=2)
    assert served.service.wait(30)
    assert [one.sessionTime.isoformat() for one in made.attempts] == [
        "2025-02-27T00:00:00+00:00",
        "2025-02-28T00:00:00+00:00",
    ]


def test_what_is_not_there_is_an_error_of_the_client(client: tdworkflow.client.Client) -> None:
    with pytest.raises(tdworkflow.exceptions.HttpError) as caught:
        client.project(999_999)

    assert "999999" in str(caught.value)
