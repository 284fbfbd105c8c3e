"""A server that plays a recorded conversation: it answers what is in it, in order, and refuses everything beyond."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import duckdb
import httpx
from http_server import Handler, serving

from reconciler.connectors.sources.rest import RestSource
from reconciler.http.guarded import guarded_transport
from reconciler.ports.loads import LoadedRows, LoadRequest
from reconciler.stores.tokens import SealedTokenStore

CONTRACTS = Path(__file__).resolve().parents[3] / "shared" / "contracts" / "source-specs"


@dataclass
class Heard:
    """A request as it arrived. *host* is the one that was meant."""

    method: str
    url: str
    query: list[tuple[str, str]]
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Player:
    """What was heard, and what is to be answered."""

    answers: Sequence[Mapping[str, Any]]
    heard: list[Heard] = field(default_factory=list)
    address: str = ""

    def answer(self) -> Mapping[str, Any]:
        """The next answer; one that ends every run where there is none left."""
        place = len(self.heard) - 1
        return self.answers[place] if place < len(self.answers) else {"status": 418, "text": "beyond the conversation"}


class StandingClock:
    """Time passes only by waiting."""

    def __init__(self, now: float = 1_740_819_600.0) -> None:
        self.time = now
        self.waits: list[float] = []

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.time += seconds


class PlainSealer:
    """Keeps tokens readable."""

    def seal(self, plain: bytes) -> bytes:
        return plain

    def open(self, sealed: bytes) -> bytes:
        return sealed


class _Redirected(httpx.BaseTransport):
    """Carries requests for any host to the player, which is told whom they were meant for."""

    def __init__(self, address: str) -> None:
        self._inner = httpx.HTTPTransport()
        self._address = httpx.URL(address)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.headers["x-meant-for"] = f"{request.url.scheme}://{request.url.netloc.decode()}"
        request.url = request.url.copy_with(scheme="http", host=self._address.host, port=self._address.port)
        return self._inner.handle_request(request)

    def close(self) -> None:
        self._inner.close()


@contextmanager
def playing(answers: Sequence[Mapping[str, Any]]) -> Iterator[Player]:
    """A player of *answers* on this machine."""
    player = Player(answers)

    class Playing(Handler):
        def asked(self) -> None:
            parts = urlsplit(self.path)
            body = self.body()
            meant = self.headers.get("x-meant-for") or f"http://{self.headers['host']}"
            query = parse_qsl(parts.query, keep_blank_values=True)
            player.heard.append(Heard(self.command, meant + parts.path, query, dict(self.headers.items()), body))
            answer = player.answer()
            text = answer.get("text")
            content = json.dumps(answer["json"]) if "json" in answer else text if text is not None else ""
            self.answer(answer["status"], answer.get("headers", {}), content.encode())

    with serving(Playing) as player.address:
        yield player


def source(folder: Path, clock: StandingClock, player: Player | None = None) -> RestSource:
    """A source whose requests all go to *player*, or where they are meant to go."""

    def transport(address: str, allow_private: bool) -> httpx.BaseTransport:  # noqa: FBT001 - as the source asks
        if player is None or address.startswith(player.address):
            return guarded_transport(address, allow_private=allow_private)
        return _Redirected(player.address)

    store = SealedTokenStore(folder / "tokens", PlainSealer(), clock)
    return RestSource(transport, lambda: store, clock)


def read(rest: RestSource, request: LoadRequest) -> tuple[LoadedRows, list[dict[str, Any]]]:
    """What was read; rows without what is null."""
    with duckdb.connect() as connection:
        loaded = rest.read(request, connection, lambda *_: None)
        relation = connection.table(loaded.relation)
        rows = [
            {name: value for name, value in zip(relation.columns, row, strict=True) if value is not None}
            for row in relation.fetchall()
        ]
    return loaded, rows


def flat(value: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """A row as columns: members of objects by their path, lists as JSON."""
    found: dict[str, Any] = {}
    for name, inner in value.items():
        if isinstance(inner, dict):
            found |= flat(inner, f"{above}{name}.")
        elif isinstance(inner, list):
            found[above + name] = json.dumps(inner, separators=(",", ":"), ensure_ascii=False)
        elif inner is not None:
            found[above + name] = inner
    return found
