"""A server that keeps a state as Terraform's `http` backend asks for, in two manners.

``http``: 423 with what the holder said, LOCK and UNLOCK at the address itself. ``http-409``: 409 with the holder's id and
otherwise what the asker said, the lock at ``/lock`` by POST and DELETE, and a serial must not come twice.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import http_server

USER, PASSWORD = "tdr", "FAKE-state-password"


@dataclass
class Memory:
    """What the server keeps, and every request it got.

    dies_before, dies_after: the write, counted from one, that is the last thing it hears; 0 for none.
    """

    manner: str
    dies_before: int = 0
    dies_after: int = 0
    writes: int = 0
    is_dead: bool = False
    text: bytes = b""
    lock: dict[str, Any] | None = None
    serials: set[int] = field(default_factory=set)
    requests: list[str] = field(default_factory=list)
    guard: threading.Lock = field(default_factory=threading.Lock)


class Handler(http_server.Handler):
    memory: Memory

    def _answer(self, status: int, body: bytes = b"") -> None:
        self.answer(status, body=body)

    def asked(self) -> None:
        memory = self.memory
        body = self.body()
        parts = urlsplit(self.path)
        lock_id = parse_qs(parts.query).get("ID", [""])[0]
        expected = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        with memory.guard:
            if memory.is_dead:
                self.close_connection = True
                return
            memory.requests.append(f"{self.command} {self.path}")
            if self.headers.get("Authorization") != expected:
                self._answer(401)
                return
            at_lock = parts.path.endswith("/lock")
            verb = {("POST", True): "LOCK", ("DELETE", True): "UNLOCK"}.get((self.command, at_lock), self.command)
            if memory.manner == "http-409" and verb == self.command and verb in ("LOCK", "UNLOCK"):
                self._answer(405)
                return
            memory.writes += verb == "POST"
            memory.is_dead = verb == "POST" and memory.writes == memory.dies_before
            if memory.is_dead:
                self.close_connection = True
                return
            getattr(self, f"_on_{verb.lower()}")(body, lock_id)

    def _on_get(self, body: bytes, lock_id: str) -> None:
        self._answer(200, self.memory.text) if self.memory.text else self._answer(
            204 if self.memory.manner == "http-409" else 404
        )

    def _on_post(self, body: bytes, lock_id: str) -> None:
        if self.memory.lock and self.memory.lock["ID"] != lock_id:
            self._refuse(None)
            return
        serial = json.loads(body)["serial"]
        if self.memory.manner == "http-409" and serial in self.memory.serials:
            self._answer(422)
            return
        self.memory.serials.add(serial)
        self.memory.text = body
        self.memory.is_dead = self.memory.writes == self.memory.dies_after
        if self.memory.is_dead:
            self.close_connection = True
            return
        self._answer(200)

    def _on_delete(self, body: bytes, lock_id: str) -> None:
        self.memory.text = b""
        self._answer(200)

    def _on_lock(self, body: bytes, lock_id: str) -> None:
        info = json.loads(body)
        if missing := [
            key for key in ("ID", "Operation", "Info", "Who", "Version", "Created", "Path") if not info.get(key)
        ]:
            self._answer(400, json.dumps(missing).encode())
        elif self.memory.lock:
            self._refuse(info)
        else:
            self.memory.lock = info
            self._answer(200, body)

    def _on_unlock(self, body: bytes, lock_id: str) -> None:
        asked = json.loads(body).get("ID") if body else lock_id
        if self.memory.lock and self.memory.lock["ID"] != asked:
            self._refuse(None)
            return
        self.memory.lock = None
        self._answer(200)

    def _refuse(self, asked: dict[str, Any] | None) -> None:
        held = self.memory.lock or {}
        if self.memory.manner == "http-409":
            self._answer(409, json.dumps({**(asked or {}), "ID": held.get("ID"), "Who": "project_bot"}).encode())
        else:
            self._answer(423, json.dumps(held).encode())


@contextmanager
def serving(manner: str) -> Iterator[tuple[str, Memory]]:
    """Its address, and what it keeps."""
    memory = Memory(manner)
    with http_server.serving(type("Bound", (Handler,), {"memory": memory})) as address:
        yield f"{address}/state/prod", memory
