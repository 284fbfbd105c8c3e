"""GitHub's and GitLab's APIs as far as pipelines use them, over one world. What nobody asks for is not there: 404."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from forge_world import BOT, TOKEN, Change, Issue, Left, Note, World
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from reconciler.emulators.serving import Server

Rows = list[dict[str, Any]]


def paged(request: Request, rows: Rows) -> JSONResponse:
    size = min(int(request.query_params.get("per_page", "30")), 100)
    page = int(request.query_params.get("page", "1"))
    return JSONResponse(rows[(page - 1) * size : page * size])


class Gate:
    """Who may ask, and what is refused on purpose."""

    def __init__(self, app: ASGIApp, world: World, key: Callable[[Request], str]) -> None:
        self.app, self.world, self.key = app, world, key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        path = request.url.path
        self.world.calls.append(f"{request.method} {path}")
        answer: Response | None = None
        if path.startswith("/blob/"):
            # Another host in earnest: whoever sends our token there gives it away.
            if "authorization" in request.headers:
                answer = JSONResponse({"message": "a token was sent here"}, 400)
        elif self.key(request) != TOKEN:
            answer = JSONResponse({"message": "Bad credentials"}, 401)
        elif self.world.busy:
            self.world.busy -= 1
            told = {"message": "You have exceeded a secondary rate limit."}
            answer = JSONResponse(told, 403, {"retry-after": "1"})
        elif self.world.ignores_pages and request.query_params.get("page", "1") != "1":
            scope["query_string"] = request.scope["query_string"].replace(
                b"&page=" + request.query_params["page"].encode(), b""
            )
        elif path.rsplit("/", 1)[-1] in self.world.refused:
            told = {"message": "Resource not accessible by integration"}
            answer = JSONResponse(told, 403, {"x-accepted-github-permissions": "pull_requests=write"})
        await (answer or self.app)(scope, receive, send)


class GitHub:
    """The paths of GitHub, for ``acme/shop``."""

    def __init__(self, world: World) -> None:
        self.world = world

    def app(self) -> ASGIApp:
        at = "/repos/acme/shop"
        routes = [
            Route("/user", self.user),
            Route(f"{at}/issues/{{number:int}}/comments", self.comments, methods=["GET", "POST"]),
            Route(f"{at}/issues/comments/{{number:int}}", self.comment, methods=["PATCH"]),
            Route(f"{at}/issues", self.issues, methods=["GET", "POST"]),
            Route(f"{at}/issues/{{number:int}}", self.issue, methods=["PATCH"]),
            Route(f"{at}/issues/{{number:int}}/labels", self.labels, methods=["GET", "POST"]),
            Route(f"{at}/issues/{{number:int}}/labels/{{name}}", self.label, methods=["DELETE"]),
            Route(f"{at}/pulls", self.pulls, methods=["GET", "POST"]),
            Route(f"{at}/pulls/{{number:int}}", self.pull, methods=["GET", "PATCH"]),
            Route(f"{at}/commits/{{sha}}/pulls", self.pulls_of),
            Route(f"{at}/actions/artifacts", self.artifacts),
            Route(f"{at}/actions/artifacts/{{number:int}}/zip", self.archive),
            Route("/blob/{number:int}", self.blob),
            Route(f"{at}/check-runs", self.checks, methods=["POST"]),
            Route(f"{at}/actions/workflows/{{file}}/runs", self.runs),
        ]
        return Gate(
            Starlette(routes=routes),
            self.world,
            lambda request: request.headers.get("authorization", "").removeprefix("Bearer "),
        )

    async def user(self, _: Request) -> Response:
        if not self.world.may_ask_who:
            return JSONResponse({"message": "Resource not accessible by integration"}, 403)
        return JSONResponse({"login": BOT})

    async def comments(self, request: Request) -> Response:
        number = request.path_params["number"]
        if request.method == "GET":
            found = [note for note in self.world.notes if note.change == number]
            return paged(request, [self._note(note) for note in found])
        body = (await request.json())["body"]
        if len(body) > self.world.longest:
            return JSONResponse({"message": "body is too long"}, 422)
        if number in self.world.issues:
            self.world.issues[number].comments.append(body)
            return JSONResponse({"id": self.world.number()}, 201)
        return JSONResponse(self._note(self.world.note(number, body)), 201)

    async def comment(self, request: Request) -> Response:
        body = (await request.json())["body"]
        if len(body) > self.world.longest:
            return JSONResponse({"message": "body is too long"}, 422)
        found = next(note for note in self.world.notes if note.note_id == request.path_params["number"])
        found.body = body
        return JSONResponse(self._note(found))

    async def issues(self, request: Request) -> Response:
        if request.method == "GET":
            label = request.query_params["labels"]
            found = [self._issue(one) for one in self.world.issues.values() if one.label == label]
            return paged(request, found)
        told = await request.json()
        issue = Issue(self.world.number(), told["title"], told["body"], *told["labels"])
        self.world.issues[issue.number] = issue
        return JSONResponse(self._issue(issue), 201)

    async def issue(self, request: Request) -> Response:
        issue, told = self.world.issues[request.path_params["number"]], await request.json()
        issue.body = told.get("body", issue.body)
        if "state" in told:
            issue.closed_at = self.world.now if told["state"] == "closed" else ""
        return JSONResponse(self._issue(issue))

    async def labels(self, request: Request) -> Response:
        change = self.world.changes[request.path_params["number"]]
        if request.method == "POST":
            change.labels |= set((await request.json())["labels"])
        return paged(request, [{"name": name} for name in sorted(change.labels)])

    async def label(self, request: Request) -> Response:
        change, name = self.world.changes[request.path_params["number"]], request.path_params["name"]
        if name not in change.labels:
            return JSONResponse({"message": "Label does not exist"}, 404)
        change.labels.remove(name)
        return JSONResponse([{"name": one} for one in sorted(change.labels)])

    async def pulls(self, request: Request) -> Response:
        if request.method == "GET":
            branch = request.query_params["head"].removeprefix("acme:")
            found = [one for one in self.world.changes.values() if one.branch == branch and one.state == "open"]
            return paged(request, [self._change(one) for one in found])
        told = await request.json()
        change = self.world.open_change(told["head"], told["title"], told["body"])
        return JSONResponse(self._change(change), 201)

    async def pull(self, request: Request) -> Response:
        change = self.world.changes[request.path_params["number"]]
        if request.method == "PATCH":
            told = await request.json()
            change.title, change.body = told["title"], told["body"]
        return JSONResponse(self._change(change))

    async def pulls_of(self, request: Request) -> Response:
        sha = request.path_params["sha"]
        found = [one for one in self.world.changes.values() if sha in {one.merge_commit, one.head}]
        return paged(request, [self._change(one) for one in found])

    async def artifacts(self, request: Request) -> Response:
        found = [one for one in self.world.left if one.name == request.query_params["name"]]
        return JSONResponse({"total_count": len(found), "artifacts": [self._left(one) for one in found]})

    async def archive(self, request: Request) -> Response:
        return RedirectResponse(f"{self.world.archives_at}/blob/{request.path_params['number']}?signature=abc", 302)

    async def blob(self, request: Request) -> Response:
        left = next(one for one in self.world.left if one.number == request.path_params["number"])
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for name, content in left.files.items():
                archive.writestr(name, content)
        return Response(self.world.damage(packed.getvalue()), media_type="application/zip")

    async def checks(self, request: Request) -> Response:
        self.world.checks.append(await request.json())
        return JSONResponse({"id": 1}, 201)

    async def runs(self, request: Request) -> Response:
        assert request.path_params["file"] == "tdr.yml"
        rows = [{"conclusion": "failure" if self.world.past_failed else "success"}]
        return JSONResponse({"total_count": 1, "workflow_runs": rows})

    def _note(self, note: Note) -> dict[str, Any]:
        return {"id": note.note_id, "user": {"login": note.author}, "body": note.body}

    def _issue(self, issue: Issue) -> dict[str, Any]:
        return {
            "number": issue.number,
            "user": {"login": issue.author},
            "body": issue.body,
            "state": "closed" if issue.closed_at else "open",
            "closed_at": issue.closed_at or None,
        }

    def _change(self, change: Change) -> dict[str, Any]:
        merged = change.state == "merged"
        return {
            "number": change.number,
            "state": "open" if change.state == "open" else "closed",
            "merged_at": self.world.now if merged else None,
            "merge_commit_sha": change.merge_commit or None,
            "head": {"sha": change.head, "ref": change.branch, "repo": {"id": 2 if change.of_fork else 1}},
            "base": {"ref": "main", "repo": {"id": 1}},
        }

    def _left(self, left: Left) -> dict[str, Any]:
        run = {"head_sha": left.head, "repository_id": 1, "head_repository_id": 2 if left.of_fork else 1}
        return {
            "id": left.number,
            "name": left.name,
            "expired": left.expired,
            "created_at": f"2026-03-01T00:00:{left.number % 60:02}Z",
            "workflow_run": run,
        }


class GitLab:
    """The paths of GitLab, for the project 77."""

    def __init__(self, world: World) -> None:
        self.world = world

    def app(self) -> ASGIApp:
        at = "/api/v4/projects/77"
        routes = [
            Route("/api/v4/user", self.user),
            Route(at, self.project),
            Route(f"{at}/merge_requests/{{number:int}}/notes", self.notes, methods=["GET", "POST"]),
            Route(f"{at}/merge_requests/{{number:int}}/notes/{{note:int}}", self.note, methods=["PUT"]),
            Route(f"{at}/issues", self.issues, methods=["GET", "POST"]),
            Route(f"{at}/issues/{{number:int}}", self.issue, methods=["PUT"]),
            Route(f"{at}/issues/{{number:int}}/notes", self.issue_notes, methods=["POST"]),
            Route(f"{at}/merge_requests", self.changes, methods=["GET", "POST"]),
            Route(f"{at}/merge_requests/{{number:int}}", self.change, methods=["GET", "PUT"]),
            Route(f"{at}/repository/commits/{{sha}}/merge_requests", self.changes_of),
            Route(f"{at}/merge_requests/{{number:int}}/pipelines", self.pipelines),
            Route(f"{at}/pipelines/{{number:int}}/jobs", self.jobs),
            Route(f"{at}/jobs/{{number:int}}/artifacts/plan.json", self.artifact),
            Route(f"{at}/statuses/{{sha}}", self.status, methods=["POST"]),
            Route(f"{at}/pipelines", self.scheduled),
        ]
        return Gate(Starlette(routes=routes), self.world, lambda request: request.headers.get("private-token", ""))

    async def user(self, _: Request) -> Response:
        return JSONResponse({"username": BOT})

    async def project(self, _: Request) -> Response:
        return JSONResponse({"id": 77, "path_with_namespace": "acme/shop"})

    async def notes(self, request: Request) -> Response:
        number = request.path_params["number"]
        if request.method == "GET":
            found = [self._note(note) for note in self.world.notes if note.change == number]
            return paged(request, [{"id": 0, "system": True, "author": {"username": BOT}, "body": "assigned"}, *found])
        body = (await request.json())["body"]
        return JSONResponse(self._note(self.world.note(number, body)), 201)

    async def note(self, request: Request) -> Response:
        found = next(note for note in self.world.notes if note.note_id == request.path_params["note"])
        found.body = (await request.json())["body"]
        return JSONResponse(self._note(found))

    async def issues(self, request: Request) -> Response:
        if request.method == "GET":
            label = request.query_params["labels"]
            return paged(request, [self._issue(one) for one in self.world.issues.values() if one.label == label])
        told = await request.json()
        issue = Issue(self.world.number(), told["title"], told["description"], told["labels"])
        self.world.issues[issue.number] = issue
        return JSONResponse(self._issue(issue), 201)

    async def issue(self, request: Request) -> Response:
        issue, told = self.world.issues[request.path_params["number"]], await request.json()
        issue.body = told.get("description", issue.body)
        match told.get("state_event"):
            case "close":
                issue.closed_at = self.world.now
            case "reopen":
                issue.closed_at = ""
            case _:
                pass
        return JSONResponse(self._issue(issue))

    async def issue_notes(self, request: Request) -> Response:
        self.world.issues[request.path_params["number"]].comments.append((await request.json())["body"])
        return JSONResponse({"id": 1}, 201)

    async def changes(self, request: Request) -> Response:
        if request.method == "GET":
            branch = request.query_params["source_branch"]
            found = [one for one in self.world.changes.values() if one.branch == branch and one.state == "open"]
            return paged(request, [self._change(one) for one in found])
        told = await request.json()
        change = self.world.open_change(told["source_branch"], told["title"], told["description"])
        return JSONResponse(self._change(change), 201)

    async def change(self, request: Request) -> Response:
        change = self.world.changes[request.path_params["number"]]
        if request.method == "PUT":
            told = await request.json()
            change.title, change.body = told.get("title", change.title), told.get("description", change.body)
            change.labels |= set(filter(None, told.get("add_labels", "").split(",")))
            change.labels -= set(told.get("remove_labels", "").split(","))
        return JSONResponse(self._change(change))

    async def changes_of(self, request: Request) -> Response:
        sha = request.path_params["sha"]
        found = [one for one in self.world.changes.values() if sha in {one.merge_commit, one.head}]
        return paged(request, [self._change(one) for one in found])

    async def pipelines(self, request: Request) -> Response:
        change = self.world.changes[request.path_params["number"]]
        found = [one for one in self.world.left if one.name.endswith(f"-pr{change.number}")]
        rows = [
            {"id": one.number, "project_id": 99 if one.of_fork else 77, "sha": one.head, "status": "success"}
            for one in reversed(found)
        ]
        return paged(request, rows)

    async def jobs(self, request: Request) -> Response:
        number = request.path_params["number"]
        if any(one.of_fork for one in self.world.left if one.number == number):
            return JSONResponse({"message": "404 Not found"}, 404)
        return paged(
            request,
            [{"id": number, "name": "check", "status": "success"}, {"id": number, "name": "plan", "status": "success"}],
        )

    async def artifact(self, request: Request) -> Response:
        left = next(one for one in self.world.left if one.number == request.path_params["number"])
        if left.expired or "plan.json" not in left.files:
            return JSONResponse({"message": "404 Not found"}, 404)
        return Response(left.files["plan.json"], media_type="application/json")

    async def status(self, request: Request) -> Response:
        self.world.checks.append({"head_sha": request.path_params["sha"], **await request.json()})
        return JSONResponse({"id": 1}, 201)

    async def scheduled(self, _: Request) -> Response:
        return JSONResponse([{"status": "running"}, {"status": "failed" if self.world.past_failed else "success"}])

    def _note(self, note: Note) -> dict[str, Any]:
        return {"id": note.note_id, "system": False, "author": {"username": note.author}, "body": note.body}

    def _issue(self, issue: Issue) -> dict[str, Any]:
        return {
            "iid": issue.number,
            "author": {"username": issue.author},
            "description": issue.body,
            "state": "closed" if issue.closed_at else "opened",
            "closed_at": issue.closed_at or None,
        }

    def _change(self, change: Change) -> dict[str, Any]:
        return {
            "iid": change.number,
            "state": {"open": "opened"}.get(change.state, change.state),
            "sha": change.head,
            "merge_commit_sha": change.merge_commit or None,
            "squash_commit_sha": None,
            "source_branch": change.branch,
            "labels": sorted(change.labels),
            "source_project_id": 99 if change.of_fork else 77,
            "target_project_id": 77,
        }


FLAVOURS = {"github": GitHub, "gitlab": GitLab}


@contextmanager
def serving(flavour: str, world: World) -> Iterator[str]:
    """Where that API is."""
    with Server(FLAVOURS[flavour](world).app()) as server:
        yield server.url
