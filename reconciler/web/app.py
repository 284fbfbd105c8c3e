"""The dashboard as an ASGI application. Handlers that look run in threads, for vendors take their time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from reconciler.commands import history, planning, running
from reconciler.errors import ManifestError, NotKept, TdrError
from reconciler.model.address import Address
from reconciler.reports import documents, text
from reconciler.reports.html import layout, page
from reconciler.reports.html.templating import asset, templates
from reconciler.reports.html.timeline import timeline
from reconciler.web import charts, samples, standing, weeks
from reconciler.web.access import COOKIE, Access, Guard, logged_in
from reconciler.web.looks import StillLooking
from reconciler.web.measures import CONTENT_TYPE, Measures

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from reconciler.web.looks import Looks
    from reconciler.web.samples import Samples
    from reconciler.web.standing import Standing, Standings

_FOLDER: Final = Path(__file__).with_name("templates")
_SHEETS: Final = {"page.css": "text/css", "page.js": "text/javascript"}
_DRAWN_AT_MOST: Final = 300
_LONGEST_FORM: Final = 4096
_SLOWEST_FORM_S: Final = 10.0
_LOOKED_FOR_AGAIN_S: Final = 5


class Dashboard:
    """Pages over *looks* and *kept* samples. Everything is a GET but the login."""

    def __init__(self, looks: Looks, kept: Samples, access: Access) -> None:
        """Show what is looked at to those who have *access*."""
        self._looks = looks
        self._kept = kept
        self._access = access
        self._measures = Measures()
        self._templates = templates(_FOLDER)

    def application(self) -> ASGIApp:
        """Everything, guarded."""
        routes = [
            Route("/", self.overview),
            Route("/resource/{address:path}", self.resource),
            Route("/plan", self.plan),
            Route("/drift", self.drift),
            Route("/graph", self.graph),
            Route("/schedule", self.schedule),
            Route("/audiences", self.audiences),
            Route("/runs", self.runs),
            Route("/runs/{run}", self.run),
            Route("/metrics", self.metrics),
            Route("/login", self.login, methods=["GET", "POST"]),
            Route("/logout", self.logout, methods=["POST"]),
            Route("/assets/{name}", self.sheet),
        ]
        handlers: Mapping[Any, Any] = {TdrError: self._failed, HTTPException: self._refused, Exception: self._broken}
        return Guard(Starlette(routes=routes, exception_handlers=handlers), self._access)

    def standings(self) -> tuple[Standings, float]:
        """How everything stands, and when that was found."""
        return self._looks.look("standings", standing.standings)

    def sampled(self) -> tuple[Standings, float]:
        """As `standings`, but never what was found before, however long that takes."""
        return self._looks.awaited("standings", standing.standings)

    # -- pages ---------------------------------------------------------------------------------------------------

    def overview(self, request: Request) -> Response:
        """How everything is, the worst first."""
        found, at = self.standings()
        return self._page(request, "overview.html", at, found=found, title=f"{found.project}: {found.environment}")

    def resource(self, request: Request) -> Response:
        """One resource: how it stands, its runs, the log of the newest, and what it needs."""
        address = request.path_params["address"]
        found, at = self.standings()
        one = found.of(address)
        if one is None:
            raise HTTPException(404, f"nothing is called {address}")
        runs = one.status["runs"] if one.status else []
        return self._page(
            request,
            "resource.html",
            at,
            title=address,
            one=one,
            needs=[edge["to"] for edge in found.graph["edges"] if edge["from"] == address],
            needed_by=[edge["from"] for edge in found.graph["edges"] if edge["to"] == address],
            plots=list(
                filter(
                    None,
                    (
                        charts.bars_of(runs, "seconds", "How long its runs took", "seconds"),
                        charts.bars_of(runs, "rows", "Rows of its runs", "rows"),
                    ),
                )
            ),
            size=_line_of(self._kept.sizes(), address) if one.kind == "audience" else None,
            log=self._log_of(one),
            moved=[
                line for field in (one.drift["fields"] if one.drift else ()) for line in _moved(field)
            ],
        )  # fmt: skip

    def plan(self, request: Request) -> Response:
        """What `tdr apply` would do."""
        document, at = self._looks.document("plan", planning.plan)
        return self._document(request, document, at)

    def drift(self, request: Request) -> Response:
        """What moved since the last apply, and when it did before."""
        found, at = self.standings()
        template, values = page.content(dict(found.drift), verbose=False)
        history_of = [(_text(one.at), one) for one in reversed(_when_drift_changed(self._kept.all()))]
        return self._page(request, "drift_page.html", at, **values, inner=template, past=history_of)

    def graph(self, request: Request) -> Response:
        """What needs what, in the colours of how it stands."""
        found, at = self.standings()
        how = {one.address: one.how for one in found.all}
        names = {name for edge in found.graph["edges"] for name in (edge["from"], edge["to"])}
        needs: dict[str, list[str]] = {}
        for edge in found.graph["edges"]:
            needs.setdefault(edge["from"], []).append(edge["to"])
        kinds = len(names) > _DRAWN_AT_MOST
        if kinds:
            needs = _by_kind(needs)
            names = {name.partition("/")[0] for name in names}
        drawing = layout.drawn(names, needs) if names else None
        alone = sorted(one.address for one in found.all if one.address not in names and not kinds)
        return self._page(
            request, "graph.html", at, title="What needs what", drawing=drawing, how=how, alone=alone, kinds=kinds
        )

    def schedule(self, request: Request) -> Response:
        """What runs in a week, day by day and in the zone of each schedule, and what runs next of each."""
        found, at = self.standings()
        listed = [one for one in found.all if one.status and one.status["schedule"]]
        monday = weeks.monday_asked(request.query_params.get("week", ""), at)
        if monday is None:
            raise HTTPException(404, f"a week is a day such as 2026-03-02, and at most {weeks.WEEKS_AHEAD} weeks ahead")
        entries = [
            {"address": one.address, "before": None, "after": _coming(one.status["schedule"])}
            for one in listed
            if one.status
        ]
        listed.sort(key=lambda one: (one.next_run or "~", one.address))
        step = timedelta(days=weeks.DAYS)
        return self._page(
            request,
            "schedule.html",
            at,
            title="Next runs",
            timeline=timeline({"computed_at": _text(at), "entries": entries}),
            listed=listed,
            weeks=weeks.weeks(listed, found.cron_dialect, monday, at),
            monday=monday,
            others={
                name: day.isoformat()
                for name, day in (("The week before", monday - step), ("The week after", monday + step))
                if weeks.monday_asked(day.isoformat(), at) is not None
            },
        )

    def audiences(self, request: Request) -> Response:
        """How large audiences are and were."""
        found, at = self.standings()
        sizes = self._kept.sizes()
        listed = [(one, _line_of(sizes, one.address)) for one in found.all if one.kind == "audience"]
        return self._page(request, "audiences.html", at, title="Audiences", listed=listed)

    def runs(self, request: Request) -> Response:
        """What applies and other writing runs did."""
        found, at = self.standings()
        return self._page(request, "runs.html", at, title="Runs", document=found.history)

    def run(self, request: Request) -> Response:
        """One of them."""
        name = request.path_params["run"]
        known, _ = self.standings()
        if name not in {one["run"] for one in known.history["runs"]}:
            raise HTTPException(404, f"no run called {name} is kept")
        try:
            document, at = self._looks.remembered(f"run {name}", lambda runtime: history.run(runtime, name).document)
        except NotKept as error:
            raise HTTPException(404, error.message) from None
        return self._document(request, dict(document), at)

    def metrics(self, _request: Request) -> Response:
        """What is remembered, for Prometheus. No vendor is asked, however often it is read."""
        measured, _ = self._looks.remembered(
            "metrics", lambda runtime: self._measures.text(runtime, self._kept.newest())
        )
        return Response(measured, media_type=CONTENT_TYPE)

    # -- logging in ----------------------------------------------------------------------------------------------

    async def login(self, request: Request) -> Response:
        """Ask for the token, and give a pass for it."""
        wrong = False
        if request.method == "POST":
            if self._access.knows(await _told(request)):
                return logged_in(self._access, request)
            wrong = True
        if not self._access.token:
            return RedirectResponse("/", 303)
        rendered = self._templates.get_template("login.html").render(title="Log in", wrong=wrong)
        return HTMLResponse(rendered, 403 if wrong else 200)

    def logout(self, _request: Request) -> Response:
        """Take the pass back."""
        response = RedirectResponse("/login", 303)
        response.delete_cookie(COOKIE, httponly=True, samesite="strict")
        return response

    def sheet(self, request: Request) -> Response:
        """The style sheet, or the script."""
        name = request.path_params["name"]
        if name == "dashboard.css":
            return Response((_FOLDER / name).read_text("utf-8"), media_type="text/css")
        if name not in _SHEETS:
            raise HTTPException(404, "no such file")
        return Response(asset(name), media_type=_SHEETS[name])

    # -- what goes wrong -----------------------------------------------------------------------------------------

    def _failed(self, request: Request, error: Exception) -> Response:
        if isinstance(error, ManifestError):
            told = text.diagnostics(documents.validation_document(error.diagnostics, ""))
            return self._page(request, "problem.html", None, 503, title="The manifests are invalid", told=told, hint="")
        if isinstance(error, StillLooking):
            told, hint = error.message, error.hint
            page = self._page(request, "problem.html", None, 503, title="Still looking", told=told, hint=hint)
            page.headers["refresh"] = str(_LOOKED_FOR_AGAIN_S)
            return page
        message, hint = (error.message, error.hint) if isinstance(error, TdrError) else ("", "")
        return self._page(request, "problem.html", None, 503, title="This cannot be shown", told=message, hint=hint)

    def _refused(self, request: Request, error: Exception) -> Response:
        status, told = (error.status_code, error.detail) if isinstance(error, HTTPException) else (404, "")
        return self._page(request, "problem.html", None, status, title="This is not there", told=told, hint="")

    def _broken(self, request: Request, error: Exception) -> Response:
        from reconciler import logs  # noqa: PLC0415 - where something is a bug

        logs.logger("reconciler.web").error(
            "dashboard_page_failed", path=request.scope["path"], trace=logs.trace(error)
        )
        told = f"a bug in tdr ({type(error).__name__}); the log of `tdr serve` says where"
        return self._page(request, "problem.html", None, 500, title="This cannot be shown", told=told, hint="")

    # -- parts ---------------------------------------------------------------------------------------------------

    def _document(self, request: Request, document: dict[str, Any], at: float) -> Response:
        template, values = page.content(document, verbose=False)
        return self._page(request, template, at, **values)

    def _page(self, request: Request, template: str, at: float | None, status: int = 200, **values: Any) -> Response:
        frame = {
            "layout": "dashboard.html",
            "here": request.scope["path"],
            "at": None if at is None else _text(at),
            "has_token": bool(self._access.token),
        }
        return HTMLResponse(self._templates.get_template(template).render(frame | values), status)

    def _log_of(self, one: Standing) -> str:
        """The log of its newest run; "" where it has none."""
        if one.last_run is None:
            return ""
        address = Address.parse(one.address)
        try:
            document, _ = self._looks.document(f"log {address}", lambda runtime: running.logs(runtime, address, 0))
        except TdrError as error:
            return f"cannot be read: {error.message}"
        return str(document["log"])


async def _told(request: Request) -> str:
    """The token in a form that is posted, which anybody may do; "" where there is none.

    Raises:
        HTTPException: the form is longer than one with a token, or does not come.
    """
    length = request.headers.get("content-length", "")
    if not length.isdecimal() or len(length) > len(str(_LONGEST_FORM)) or int(length) > _LONGEST_FORM:
        raise HTTPException(413, "a token is shorter than that")
    try:
        async with asyncio.timeout(_SLOWEST_FORM_S):
            body = await request.body()
    except (TimeoutError, ClientDisconnect):
        raise HTTPException(408, "the form did not come") from None
    return parse_qs(body.decode("utf-8", "replace")).get("token", [""])[0].strip()


def _text(unix_s: float) -> str:
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _coming(schedule: Mapping[str, Any]) -> dict[str, Any]:
    """A status' schedule in the shape that a line of time takes."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # noqa: PLC0415 - of this page

    try:
        zone: Any = ZoneInfo(schedule["timezone"])
    except (ZoneInfoNotFoundError, ValueError):
        zone = UTC
    runs = [
        {"utc": at, "local": datetime.fromisoformat(at).astimezone(zone).isoformat(timespec="seconds"), "note": ""}
        for at in schedule["next"]
    ]
    return {"timezone": schedule["timezone"], "next_runs": runs}


def _moved(field: Mapping[str, Any]) -> list[str]:
    from reconciler.reports.values import moved  # noqa: PLC0415 - loads the differ

    return list(moved(field["path"], field["applied"], field["found"]))


def _by_kind(needs: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Kind -> kinds of what its resources need."""
    found: dict[str, set[str]] = {}
    for name, wanted in needs.items():
        found.setdefault(name.partition("/")[0], set()).update(need.partition("/")[0] for need in wanted)
    return {kind: sorted(wanted) for kind, wanted in found.items()}


def _line_of(sizes: Mapping[str, list[tuple[float, int]]], address: str) -> charts.Line | None:
    known = [(_text(at), at, size) for at, size in sizes.get(address, ())]
    return charts.line_of(_thinned(known), "Members over time")


def _thinned(known: list[tuple[str, float, int]], most: int = 200) -> list[tuple[str, float, int]]:
    """At most about *most* of them, the first and the last among them."""
    step = max(1, len(known) // most)
    return [*known[:-1:step], *known[-1:]]


def _when_drift_changed(known: list[samples.Sample]) -> list[samples.Sample]:
    changed: list[samples.Sample] = []
    for one in known:
        if not changed or changed[-1].drifted != one.drifted:
            changed.append(one)
    return changed
