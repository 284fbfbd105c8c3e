"""Treasure Workflow: projects with their archives, schedules and secrets, and attempts. Addresses as in tdworkflow."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final, TypeAlias

from reconciler.apis.treasure_data_answers import unexpected
from reconciler.http.client import Client
from reconciler.http.request import Request, Safety, get, path, send_bytes, send_empty, send_json
from reconciler.model.json import Json
from reconciler.scrubbing import everything

Raw: TypeAlias = Mapping[str, Json]
"""One object of an answer."""

_A_PAGE: Final = 100
_GZIP: Final = "application/gzip"
_GZIP_WINDOW: Final = 31
_LONGEST_LOG: Final = 1024 * 1024
"""Bytes of a log that are unpacked."""


class Workflows:
    """The workflow projects of one account, spoken to through *http*. Safe for many threads.

    A push is sent once: OutcomeUnknown then says that the revision may or may not be there, and whoever asked looks.
    """

    def __init__(self, http: Client) -> None:
        """Keep *http*; nothing is sent yet."""
        self._http = http

    @property
    def calls(self) -> int:
        """Requests sent so far."""
        return self._http.calls

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def projects(self) -> list[Raw]:
        """All projects, each as of its newest revision."""
        return list(self._paged("/api/projects", "projects"))

    def first_projects(self) -> list[Raw]:
        """The first page of projects."""
        return self._list(get("/api/projects", {"count": str(_A_PAGE)}), "projects")

    def project(self, name: str) -> Raw | None:
        """The project called *name*, or None."""
        return next(iter(self._list(get("/api/projects", {"name": name}), "projects")), None)

    def push(self, name: str, revision: str, archive: bytes) -> Raw:
        """Add *revision* to a project, which is made with its first. Conflict when that revision is there already."""
        request = send_bytes("PUT", "/api/projects", archive, _GZIP, safety=Safety.ONCE)
        return self._object(replace(request, params={"project": name, "revision": revision}))

    def archive(self, project_id: str) -> bytes:
        """The archive of a project's newest revision."""
        return self._http.send(get(path("api", "projects", project_id, "archive"))).body

    def revisions(self, project_id: str) -> list[str]:
        """The names of a project's revisions, newest first."""
        request = get(path("api", "projects", project_id, "revisions"))
        return [str(one["revision"]) for one in self._list(request, "revisions", "revision")]

    def delete_project(self, project_id: str) -> None:
        """Remove a project with everything of it."""
        self._http.send(send_empty("DELETE", path("api", "projects", project_id)))

    def workflows(self, project_id: str) -> list[Raw]:
        """The workflows of a project's newest revision."""
        return self._list(get(path("api", "projects", project_id, "workflows")), "workflows")

    def schedules(self, project_id: str) -> list[Raw]:
        """The schedules of a project."""
        return self._list(get(path("api", "projects", project_id, "schedules")), "schedules")

    def enable_schedule(self, schedule_id: str) -> None:
        """Let it start sessions."""
        self._http.send(send_empty("POST", path("api", "schedules", schedule_id, "enable"), safety=Safety.IDEMPOTENT))

    def disable_schedule(self, schedule_id: str) -> None:
        """Let it start nothing."""
        self._http.send(send_empty("POST", path("api", "schedules", schedule_id, "disable"), safety=Safety.IDEMPOTENT))

    def start_attempt(self, workflow_id: str, session_time: str, name: str) -> Raw:
        """Start a workflow for a session, as *name*. Conflict when there is an attempt of that name for that session.

        session_time: such as ``2025-03-01T00:00:00+00:00``.
        """
        # Told as text, and sent as a number by the vendor's client.
        known_as = int(workflow_id) if workflow_id.isdecimal() else workflow_id
        body: dict[str, Json] = {"workflowId": known_as, "sessionTime": session_time, "params": {}}
        return self._object(send_json("PUT", "/api/attempts", {**body, "retryAttemptName": name}))

    def attempt(self, attempt_id: str) -> Raw:
        """One attempt."""
        return self._object(get(path("api", "attempts", attempt_id)))

    def sessions(self, project_id: str, count: int) -> list[Raw]:
        """The newest *count* sessions of a project, newest first, each with its `lastAttempt`."""
        request = get(path("api", "projects", project_id, "sessions"), {"page_size": str(min(count, _A_PAGE))})
        return self._list(request, "sessions")[:count]

    def tasks(self, attempt_id: str) -> list[Raw]:
        """The tasks of an attempt."""
        return self._list(get(path("api", "attempts", attempt_id, "tasks")), "tasks")

    def log_files(self, attempt_id: str) -> list[Raw]:
        """The logs of an attempt's tasks, oldest first."""
        return self._list(get(path("api", "logs", attempt_id, "files")), "files", "fileName")

    def log(self, attempt_id: str, name: str) -> str:
        """The log called *name*, without secrets; of a long one the beginning."""
        packed = self._http.send(get(path("api", "logs", attempt_id, "files", name))).body
        # Bounded, for a small file may unpack to a large one.
        try:
            text = zlib.decompressobj(wbits=_GZIP_WINDOW).decompress(packed, _LONGEST_LOG)
        except zlib.error:
            text = packed[:_LONGEST_LOG]  # whoever stands between has unpacked it
        return self.cleaned(text.decode(errors="replace"))

    def cleaned(self, text: str) -> str:
        """*text* that a task said, without any secret of this process: a task may say one of its project."""
        return everything().clean(text)

    def secret_keys(self, project_id: str) -> list[str]:
        """The names of a project's secrets; nobody tells their values."""
        request = get(path("api", "projects", project_id, "secrets"))
        return [str(one["key"]) for one in self._list(request, "secrets", "key")]

    def set_secret(self, project_id: str, key: str, value: str) -> None:
        """Set a secret, new or not."""
        self._http.send(send_json("PUT", path("api", "projects", project_id, "secrets", key), {"value": value}))

    def delete_secret(self, project_id: str, key: str) -> None:
        """Remove a secret; NotFound when there is none."""
        self._http.send(send_empty("DELETE", path("api", "projects", project_id, "secrets", key)))

    def _paged(self, at: str, name: str) -> Iterator[Raw]:
        """All pages of a list: ids ascend, and each page begins after the last one told."""
        last = ""
        while True:
            request = get(at, {"count": str(_A_PAGE), **({"last_id": last} if last else {})})
            page = self._list(request, name)
            yield from page
            # A page that repeats what was told would never end.
            if len(page) < _A_PAGE or str(page[-1]["id"]) == last:
                return
            last = str(page[-1]["id"])

    def _object(self, request: Request) -> Raw:
        answer = self._http.json(request)
        if not isinstance(answer, dict) or not answer.get("id"):
            raise unexpected(request, answer, "an object with its id", self._http.scrubber)
        return answer

    def _list(self, request: Request, name: str, key: str = "id") -> list[Raw]:
        answer = self._http.json(request)
        listed = answer.get(name) if isinstance(answer, dict) else None
        if not isinstance(listed, list) or not all(isinstance(one, dict) and one.get(key) for one in listed):
            raise unexpected(request, answer, f"a list of {name}, each with its {key}", self._http.scrubber)
        return listed
