"""GitHub's REST API, as far as a pipeline needs it. Source: GitHub REST API, version 2022-11-28."""

from __future__ import annotations

import lzma
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO, Final, cast
from urllib.parse import urljoin, urlsplit

from reconciler.apis.forge_rows import LARGEST_PLAN_BYTES, PAGE, Row, joined, limited, only, pages, rows
from reconciler.errors import Denied, NotFound, ProviderError, Transient
from reconciler.http.answer import Answer
from reconciler.http.client import Client
from reconciler.http.credentials import FixedKey
from reconciler.http.dialect import Dialect
from reconciler.http.request import Request, Safety, get, path, send_json
from reconciler.model.json import Json
from reconciler.model.secret import Secret
from reconciler.ports.clock import Clock
from reconciler.ports.forge import ChangeRequest, Comment, Conclusion, Issue

if TYPE_CHECKING:
    import httpx

_ARCHIVE_PER_PLAN: Final = 2
"""How many times as large as a plan an archive may be, in which pages for people lie beside it."""
_PIECE_BYTES: Final = 1024 * 1024
_NO_ARCHIVE: Final = (
    zipfile.BadZipFile,
    KeyError,
    NotImplementedError,
    RuntimeError,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    OSError,
)
"""What `zipfile` makes of bytes that are none: damaged, of a way of packing that it does not know, or with a password."""
_BOT: Final = "github-actions[bot]"
"""Who writes with the token of a job, which may not ask who it is."""


def _is_rate(answer: Answer) -> bool:
    """A limit that is told as a refusal. Source: "Best practices for using the REST API", secondary rate limits."""
    if answer.status not in {403, 429}:
        return False
    return (
        "retry-after" in answer.headers
        or answer.headers.get("x-ratelimit-remaining") == "0"
        or b"rate limit" in answer.body
    )


def _error(answer: Answer) -> type[ProviderError] | None:
    return Transient if _is_rate(answer) else None


def _advice(answer: Answer) -> str:
    if _is_rate(answer):
        return "too many requests: run again later"
    if answer.status in {403, 404} and (needed := answer.headers.get("x-accepted-github-permissions")):
        return f"the job's token lacks a permission: give it `{needed}` under `permissions:`"
    if answer.status == 401:
        return "set GITHUB_TOKEN to the job's token: `env: {GITHUB_TOKEN: ${{ github.token }}}`"
    return ""


_DIALECT: Final = Dialect(
    "GitHub", request_id_header="x-github-request-id", error=_error, advice=_advice, is_expired=lambda _answer: False
)


class GitHub:
    """A `Forge` for one repository."""

    def __init__(
        self,
        client: Client,
        repository: str,
        *,
        workflow: str = "",
        download: Callable[[str], Client] | None = None,
        largest_plan_bytes: int = LARGEST_PLAN_BYTES,
    ) -> None:
        """*repository*: ``owner/name``. workflow: file name of the pipeline. download: a client for the address of an archive.

        largest_plan_bytes: the most that is taken for a plan.
        """
        self._client = client
        self._owner = repository.partition("/")[0]
        self._at = path("repos", *repository.split("/"))
        self._workflow = workflow
        self._download = download
        self._largest_plan_bytes = largest_plan_bytes

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def me(self) -> str:
        """See `Forge`."""
        try:
            return str(only(self._client, get("/user"))["login"])
        except (Denied, NotFound):
            return _BOT

    def comments(self, change: int) -> Iterator[Comment]:
        """See `Forge`."""
        for row in pages(self._client, f"{self._at}/issues/{change}/comments", {}):
            yield Comment(str(row["id"]), _login(row), str(row.get("body") or ""))

    def add_comment(self, change: int, body: str) -> None:
        """See `Forge`."""
        self._client.json(send_json("POST", f"{self._at}/issues/{change}/comments", {"body": body}))

    def edit_comment(self, change: int, comment_id: str, body: str) -> None:
        """See `Forge`."""
        del change  # comments are numbered through
        at = f"{self._at}/issues/comments{path(comment_id)}"
        self._client.json(send_json("PATCH", at, {"body": body}, safety=Safety.IDEMPOTENT))

    def labels(self, change: int) -> frozenset[str]:
        """See `Forge`."""
        return frozenset(str(row["name"]) for row in pages(self._client, f"{self._at}/issues/{change}/labels", {}))

    def add_label(self, change: int, name: str) -> None:
        """See `Forge`."""
        wish: Json = {"labels": [name]}
        self._client.json(send_json("POST", f"{self._at}/issues/{change}/labels", wish, safety=Safety.IDEMPOTENT))

    def remove_label(self, change: int, name: str) -> None:
        """See `Forge`."""
        with suppress(NotFound):
            at = f"{self._at}/issues/{change}/labels{path(name)}"
            self._client.json(Request("DELETE", at, safety=Safety.IDEMPOTENT))

    def issues(self, label: str) -> Iterator[Issue]:
        """See `Forge`."""
        for row in pages(self._client, f"{self._at}/issues", {"labels": label, "state": "all"}):
            if "pull_request" not in row:
                yield Issue(_number(row), _login(row), str(row.get("body") or ""), str(row.get("closed_at") or ""))

    def open_issue(self, title: str, body: str, label: str) -> int:
        """See `Forge`."""
        wish = {"title": title, "body": body, "labels": [label]}
        return _number(only(self._client, send_json("POST", f"{self._at}/issues", wish)))

    def edit_issue(self, number: int, body: str) -> None:
        """See `Forge`."""
        self._edit(number, {"body": body})

    def close_issue(self, number: int) -> None:
        """See `Forge`."""
        self._edit(number, {"state": "closed", "state_reason": "completed"})

    def reopen_issue(self, number: int) -> None:
        """See `Forge`."""
        self._edit(number, {"state": "open"})

    def comment_on_issue(self, number: int, body: str) -> None:
        """See `Forge`."""
        self.add_comment(number, body)

    def change(self, number: int) -> ChangeRequest:
        """See `Forge`."""
        return _change(only(self._client, get(f"{self._at}/pulls/{number}")))

    def merged_by(self, commit: str) -> ChangeRequest | None:
        """See `Forge`."""
        known = pages(self._client, f"{self._at}/commits{path(commit)}/pulls", {})
        merged = [row for row in known if row.get("merged_at")]
        # A commit can be on the way of several; the one that was merged as this commit goes first.
        merged.sort(key=lambda row: row.get("merge_commit_sha") != commit)
        return _change(merged[0]) if merged else None

    def planned(self, environment: str, change: ChangeRequest) -> bytes | None:
        """See `Forge`. An artifact of another repository's run, such as a fork's, is not taken."""
        name = f"tdr-plan-{environment}-pr{change.number}"
        told = only(self._client, get(f"{self._at}/actions/artifacts", {"name": name, "per_page": str(PAGE)}))
        known = [row for row in rows(told.get("artifacts")) if row.get("name") == name and not row.get("expired")]
        known = [row for row in known if _is_of(row, change.head)]
        known.sort(key=lambda row: str(row.get("created_at")))
        return self._unpacked(f"{self._at}/actions/artifacts/{known[-1]['id']}/zip") if known else None

    def judge(self, commit: str, name: str, conclusion: Conclusion, title: str, page: str) -> None:
        """See `Forge`."""
        wish = {
            "name": name,
            "head_sha": commit,
            "status": "completed",
            "conclusion": conclusion.value,
            "output": {"title": title, "summary": page},
        }
        self._client.json(send_json("POST", f"{self._at}/check-runs", wish))

    def failed_before(self) -> bool:
        """See `Forge`."""
        at = f"{self._at}/actions/workflows{path(self._workflow)}/runs"
        told = only(self._client, get(at, {"event": "schedule", "status": "completed", "per_page": "1"}))
        known = rows(told.get("workflow_runs"))
        return bool(known) and known[0].get("conclusion") not in {"success", "cancelled", "skipped", None}

    def propose(self, branch: str, onto: str, title: str, body: str) -> int:
        """See `Forge`."""
        query = {"head": f"{self._owner}:{branch}", "base": onto, "state": "open"}
        for row in pages(self._client, f"{self._at}/pulls", query):
            number = _number(row)
            wish = {"title": title, "body": body}
            self._client.json(send_json("PATCH", f"{self._at}/pulls/{number}", wish, safety=Safety.IDEMPOTENT))
            return number
        return _number(
            only(
                self._client,
                send_json("POST", f"{self._at}/pulls", {"title": title, "head": branch, "base": onto, "body": body}),
            )
        )

    def _edit(self, number: int, wish: Mapping[str, Json]) -> None:
        self._client.json(send_json("PATCH", f"{self._at}/issues/{number}", wish, safety=Safety.IDEMPOTENT))

    def _unpacked(self, at: str) -> bytes | None:
        """The plan in an archive. It lies at another host, to which our token does not go."""
        request = get(at)
        with tempfile.TemporaryFile() as file:
            self._fetch(request, file)
            try:
                with zipfile.ZipFile(file) as packed, packed.open("plan.json") as plan:
                    return joined(iter(lambda: plan.read(_PIECE_BYTES), b""), self._largest_plan_bytes)
            except _NO_ARCHIVE:
                raise self._client.unusable(request, "no archive with a plan.json") from None

    def _fetch(self, request: Request, file: BinaryIO) -> None:
        location = self._client.moved(request).headers.get("location")
        here = urlsplit(f"{self._client.base_url}{request.path}")
        there = urlsplit(urljoin(here.geturl(), location)) if location else None
        # Not to where a plan could be read, or put in the place of another, on the way.
        if self._download is None or there is None or there.scheme not in {"https", here.scheme} or not there.netloc:
            raise self._client.unusable(request, "no address of an archive")
        query = f"?{there.query}" if there.query else ""
        with (
            self._download(f"{there.scheme}://{there.netloc}") as client,
            client.stream(get(f"{there.path}{query}")) as pieces,
        ):
            file.writelines(limited(pieces, _ARCHIVE_PER_PLAN * self._largest_plan_bytes))


def _number(row: Row) -> int:
    return int(cast("int", row["number"]))


def _login(row: Row) -> str:
    user = row.get("user")
    return str(user.get("login")) if isinstance(user, Mapping) else ""


def _change(row: Row) -> ChangeRequest:
    head = row.get("head")
    return ChangeRequest(
        _number(row),
        str(head.get("sha")) if isinstance(head, Mapping) else "",
        is_merged=bool(row.get("merged_at")),
        is_of_fork=_repository(head) != _repository(row.get("base")),
    )


def _repository(side: Json) -> Json:
    """Number of the repository of one side of a pull request; None where it is gone."""
    repository = side.get("repo") if isinstance(side, Mapping) else None
    return repository.get("id") if isinstance(repository, Mapping) else None


def _is_of(row: Row, head: str) -> bool:
    run = row.get("workflow_run")
    if not isinstance(run, Mapping) or run.get("head_sha") != head:
        return False
    return run.get("head_repository_id") == run.get("repository_id")


def connect(
    api_url: str,
    repository: str,
    token: Secret,
    *,
    workflow: str = "",
    clock: Clock | None = None,
    transport: httpx.BaseTransport | None = None,
    largest_plan_bytes: int = LARGEST_PLAN_BYTES,
) -> GitHub:
    """A client for *repository* at *api_url*, such as ``https://api.github.com``."""
    headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
    client = Client(
        api_url, _DIALECT, credentials=FixedKey(token), headers=headers, clock=clock, transport=transport
    )  # fmt: skip
    return GitHub(
        client,
        repository,
        workflow=workflow,
        download=lambda at: Client(at, _DIALECT, clock=clock, transport=transport),
        largest_plan_bytes=largest_plan_bytes,
    )
