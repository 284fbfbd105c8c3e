"""GitLab's REST API, as far as a pipeline needs it. Source: GitLab REST API v4."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final, cast

from reconciler.apis.forge_rows import LARGEST_PLAN_BYTES, Row, joined, only, pages, rows
from reconciler.errors import NotFound
from reconciler.http.answer import Answer
from reconciler.http.client import Client
from reconciler.http.credentials import FixedKey
from reconciler.http.dialect import Dialect
from reconciler.http.request import Safety, get, path, send_json
from reconciler.model.secret import Secret
from reconciler.ports.clock import Clock
from reconciler.ports.forge import ChangeRequest, Comment, Conclusion, Issue

if TYPE_CHECKING:
    import httpx

_STATES: Final = {
    Conclusion.SUCCESS: "success",
    Conclusion.FAILURE: "failed",
    # There is nothing between; a plan that waits for a person must not look done.
    Conclusion.ACTION_REQUIRED: "failed",
}


def _advice(answer: Answer) -> str:
    if answer.status in {401, 403}:
        return (
            "set GITLAB_TOKEN to an access token of the project with the scope `api`; the job's own may not write notes"
        )
    return ""


_DIALECT: Final = Dialect("GitLab", advice=_advice, is_expired=lambda _answer: False)


class GitLab:
    """A `Forge` for one project."""

    def __init__(
        self, client: Client, project: str, *, job: str = "plan", largest_plan_bytes: int = LARGEST_PLAN_BYTES
    ) -> None:
        """*project*: its number, or its path. job: name of the job that plans. largest_plan_bytes: see `github.GitHub`."""
        self._client = client
        self._at = path("projects", project)
        self._job = job
        self._largest_plan_bytes = largest_plan_bytes

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def me(self) -> str:
        """See `Forge`."""
        return str(only(self._client, get("/user"))["username"])

    def comments(self, change: int) -> Iterator[Comment]:
        """See `Forge`."""
        query = {"sort": "asc", "order_by": "created_at"}
        for row in pages(self._client, f"{self._at}/merge_requests/{change}/notes", query):
            if not row.get("system"):
                yield Comment(str(row["id"]), _author(row), str(row.get("body") or ""))

    def add_comment(self, change: int, body: str) -> None:
        """See `Forge`."""
        self._client.json(send_json("POST", f"{self._at}/merge_requests/{change}/notes", {"body": body}))

    def edit_comment(self, change: int, comment_id: str, body: str) -> None:
        """See `Forge`."""
        at = f"{self._at}/merge_requests/{change}/notes{path(comment_id)}"
        self._client.json(send_json("PUT", at, {"body": body}))

    def labels(self, change: int) -> frozenset[str]:
        """See `Forge`."""
        told = only(self._client, get(f"{self._at}/merge_requests/{change}")).get("labels")
        return frozenset(map(str, told)) if isinstance(told, list) else frozenset()

    def add_label(self, change: int, name: str) -> None:
        """See `Forge`."""
        self._client.json(send_json("PUT", f"{self._at}/merge_requests/{change}", {"add_labels": name}))

    def remove_label(self, change: int, name: str) -> None:
        """See `Forge`."""
        self._client.json(send_json("PUT", f"{self._at}/merge_requests/{change}", {"remove_labels": name}))

    def issues(self, label: str) -> Iterator[Issue]:
        """See `Forge`."""
        for row in pages(self._client, f"{self._at}/issues", {"labels": label, "scope": "all"}):
            yield Issue(_iid(row), _author(row), str(row.get("description") or ""), str(row.get("closed_at") or ""))

    def open_issue(self, title: str, body: str, label: str) -> int:
        """See `Forge`."""
        wish = {"title": title, "description": body, "labels": label}
        return _iid(only(self._client, send_json("POST", f"{self._at}/issues", wish)))

    def edit_issue(self, number: int, body: str) -> None:
        """See `Forge`."""
        self._client.json(send_json("PUT", f"{self._at}/issues/{number}", {"description": body}))

    def close_issue(self, number: int) -> None:
        """See `Forge`."""
        self._client.json(send_json("PUT", f"{self._at}/issues/{number}", {"state_event": "close"}))

    def reopen_issue(self, number: int) -> None:
        """See `Forge`."""
        self._client.json(send_json("PUT", f"{self._at}/issues/{number}", {"state_event": "reopen"}))

    def comment_on_issue(self, number: int, body: str) -> None:
        """See `Forge`."""
        self._client.json(send_json("POST", f"{self._at}/issues/{number}/notes", {"body": body}))

    def change(self, number: int) -> ChangeRequest:
        """See `Forge`."""
        return _change(only(self._client, get(f"{self._at}/merge_requests/{number}")))

    def merged_by(self, commit: str) -> ChangeRequest | None:
        """See `Forge`."""
        known = pages(self._client, f"{self._at}/repository/commits{path(commit)}/merge_requests", {})
        merged = [row for row in known if row.get("state") == "merged"]
        merged.sort(key=lambda row: commit not in {row.get("merge_commit_sha"), row.get("squash_commit_sha")})
        return _change(merged[0]) if merged else None

    def planned(self, environment: str, change: ChangeRequest) -> bytes | None:
        """See `Forge`. The job is ``plan``, or ``plan:ENVIRONMENT`` where there are several. Pipelines of other projects, such as a
        fork's, are not looked at: GitLab lists them here too, and what they leave is theirs.

        A pipeline of merged results has a commit of its own, so that what is found here may be of an earlier head: the caller holds
        it against what was shown.
        """
        names = {self._job, f"{self._job}:{environment}"}
        ours = only(self._client, get(self._at)).get("id")
        for pipeline in pages(self._client, f"{self._at}/merge_requests/{change.number}/pipelines", {}):
            if pipeline.get("project_id", ours) != ours:
                continue
            jobs = pages(self._client, f"{self._at}/pipelines/{pipeline['id']}/jobs", {})
            for job in (one for one in jobs if one.get("name") in names and one.get("status") == "success"):
                try:
                    with self._client.stream(get(f"{self._at}/jobs/{job['id']}/artifacts/plan.json")) as pieces:
                        return joined(pieces, self._largest_plan_bytes)
                except NotFound:  # its artifacts have expired
                    continue
        return None

    def judge(self, commit: str, name: str, conclusion: Conclusion, title: str, page: str) -> None:
        """See `Forge`. A status has one line."""
        del page
        wish = {"state": _STATES[conclusion], "name": name, "description": title[:255]}
        self._client.json(send_json("POST", f"{self._at}/statuses{path(commit)}", wish, safety=Safety.IDEMPOTENT))

    def failed_before(self) -> bool:
        """See `Forge`."""
        told = self._client.json(get(f"{self._at}/pipelines", {"source": "schedule", "per_page": "2"}))
        known = rows(told)
        return len(known) > 1 and known[1].get("status") == "failed"  # the first is this one

    def propose(self, branch: str, onto: str, title: str, body: str) -> int:
        """See `Forge`."""
        query = {"source_branch": branch, "target_branch": onto, "state": "opened"}
        for row in pages(self._client, f"{self._at}/merge_requests", query):
            wish = {"title": title, "description": body}
            self._client.json(send_json("PUT", f"{self._at}/merge_requests/{_iid(row)}", wish))
            return _iid(row)
        wish = {"source_branch": branch, "target_branch": onto, "title": title, "description": body}
        return _iid(only(self._client, send_json("POST", f"{self._at}/merge_requests", wish)))


def _iid(row: Row) -> int:
    return int(cast("int", row["iid"]))


def _author(row: Row) -> str:
    author = row.get("author")
    return str(author.get("username")) if isinstance(author, Mapping) else ""


def _change(row: Row) -> ChangeRequest:
    return ChangeRequest(
        _iid(row),
        str(row.get("sha") or ""),
        is_merged=row.get("state") == "merged",
        is_of_fork=row.get("source_project_id") != row.get("target_project_id"),
    )


def connect(
    api_url: str,
    project: str,
    token: Secret,
    *,
    clock: Clock | None = None,
    transport: httpx.BaseTransport | None = None,
    largest_plan_bytes: int = LARGEST_PLAN_BYTES,
) -> GitLab:
    """A client for *project* at *api_url*, such as ``https://gitlab.com/api/v4``."""
    credentials = FixedKey(token, header="PRIVATE-TOKEN", scheme="")
    client = Client(api_url, _DIALECT, credentials=credentials, clock=clock, transport=transport)
    return GitLab(client, project, largest_plan_bytes=largest_plan_bytes)
