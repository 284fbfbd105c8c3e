"""`kill -9` at every request that writes to the tenant, before it acts and after: the next apply ends with one connection."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from landing_stage import landing_in
from stage import ended
from starlette.types import ASGIApp, Receive, Scope, Send
from tenant_stage import FILE, KEY, TenantStage, tenant_stage

from reconciler.emulators.connection import drop
from reconciler.emulators.qlik.knobs import Knobs
from reconciler.emulators.qlik.sandbox import QlikSandbox
from reconciler.emulators.remote_control import RemoteControl
from reconciler.emulators.serving import Server


class Assassin:
    """In front of a tenant: kills who sends the n-th request that is no GET, before the tenant hears of it or after."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.victim = 0
        self.fatal = 0
        self.where = "before"
        self.seen = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self.victim or scope["method"] == "GET" or scope["path"].startswith("/_control"):
            await self._app(scope, receive, send)
            return
        self.seen += 1
        if self.seen != self.fatal:
            await self._app(scope, receive, send)
            return
        if self.where == "after":

            async def unheard(_message: object) -> None:
                """The answer that nobody hears."""

            await self._app(scope, receive, unheard)
        os.kill(self.victim, signal.SIGKILL)
        await drop(scope, receive)


@pytest.fixture(scope="module")
def guarded() -> Iterator[tuple[QlikSandbox, Assassin]]:
    sandbox = QlikSandbox(KEY, knobs=Knobs(reads_per_minute=0, writes_per_minute=0, code_on_post="ignored"))
    assassin = Assassin(sandbox.tenant.asgi)
    with sandbox, Server(assassin) as server:
        sandbox.base_url, sandbox.control = server.url, RemoteControl(f"{server.url}/_control")
        yield sandbox, assassin


@pytest.mark.parametrize("where", ["before", "after"])
@pytest.mark.parametrize("fatal", [1, 2])
def test_the_next_apply_ends_with_one_that_is_let_in(
    tmp_path: Path, guarded: tuple[QlikSandbox, Assassin], fatal: int, where: str
) -> None:
    sandbox, assassin = guarded
    sandbox.control.reset()
    tenant: TenantStage = tenant_stage(tmp_path / "ads", sandbox)
    page = sandbox.tenant.world.open_page("1500001")
    code = str(tenant.control("POST", f"/authorisations/{page.id}/approve")["code"])
    tenant.stage.edit(FILE, "  start_time", "  code: ${secret:env:PINTEREST_CODE}\n  start_time")

    assassin.fatal, assassin.where, assassin.seen = fatal, where, 0
    process = tenant.stage.spawn("apply", "--yes", PINTEREST_CODE=code)
    assassin.victim = process.pid
    ended(process)
    assassin.victim = 0
    assert process.returncode == -signal.SIGKILL, f"it sends no request number {fatal}"

    tenant.tdr("apply", "--yes", PINTEREST_CODE=code)

    assert tenant.the_connection()["is_authorised"]
    tenant.tdr("plan", "--detailed-exitcode", PINTEREST_CODE=code)


REQUESTS = 10
"""That change something or ask for an export, of an apply that makes the connection, edits the task and starts it."""


@pytest.mark.parametrize(
    ("where", "fatal"),
    [
        # A process each takes its time: every second is enough on most days.
        pytest.param(where, fatal, marks=() if fatal % 2 == (where == "after") else pytest.mark.slow)
        for fatal in range(1, REQUESTS + 1)
        for where in ("before", "after")
    ],
)
def test_the_next_apply_ends_with_one_connection_and_a_task_that_runs(
    tmp_path: Path, guarded: tuple[QlikSandbox, Assassin], where: str, fatal: int
) -> None:
    sandbox, assassin = guarded
    sandbox.control.reset()
    landing = landing_in(tmp_path / "ads", sandbox)

    assassin.fatal, assassin.where, assassin.seen = fatal, where, 0
    process = landing.tenant.stage.spawn("apply", "--yes")
    assassin.victim = process.pid
    ended(process)
    assassin.victim = 0
    assert process.returncode == -signal.SIGKILL, f"it sends no request number {fatal}"

    landing.tenant.tdr("apply", "--yes")

    assert len(landing.tenant.connections()) == 1
    assert (landing.there.prepared, landing.run_state) == (True, "RUNNING")
    landing.tenant.tdr("plan", "--detailed-exitcode")


def test_the_number_of_requests_is_what_it_was(tmp_path: Path, guarded: tuple[QlikSandbox, Assassin]) -> None:
    sandbox, _ = guarded
    sandbox.control.reset()
    landing = landing_in(tmp_path / "ads", sandbox)

    landing.tenant.tdr("apply", "--yes")

    calls = [f"{one['method']} {one['path'].rpartition('/')[2]}" for one in sandbox.control.traffic()]
    assert len([call for call in calls if not call.startswith("GET")]) == REQUESTS
