"""The verbs that run things: run, retry, serve, sandbox."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self

import typer

from reconciler.cli import output
from reconciler.cli.following import Events, Following, following
from reconciler.cli.options import DirectoryOption, EnvOption, FormatOption, ReportOption, VarOption
from reconciler.cli.reported import Reported
from reconciler.cli.session import address, interruptible, runtime_of
from reconciler.emulators.vendors import Vendor
from reconciler.phases import Progress, phase
from reconciler.reports.formats import Format

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.commands.answer import Answer
    from reconciler.commands.interruption import Interruption
    from reconciler.model.address import Address
    from reconciler.ports.provider import Job
    from reconciler.wiring import Runtime

RowsOption = Annotated[
    int, typer.Option("--rows", min=0, max=10_000, help="How many rows of a query to show, identifiers masked.")
]


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    app.command(cls=Reported)(run)
    app.command(cls=Reported)(retry)
    for verb in (logs, preview, serve, sandbox):
        app.command()(verb)


def run(
    context: typer.Context,
    what: Annotated[
        str,
        typer.Argument(
            help="A query, an activation, an import, a parent segment, a workflow or a dataflow.", metavar="ADDRESS"
        ),
    ],
    env: EnvOption = None,
    directory: DirectoryOption = None,
    var: VarOption = None,
    rows: RowsOption = 20,
    format: FormatOption = Format.TEXT,
    report: ReportOption = None,
) -> None:
    """Run a query, an activation, an import, a workflow or a dataflow now, or build a parent segment, and follow it to its end."""
    from reconciler.commands import running

    _follow(
        context,
        address(what),
        env=env,
        directory=directory,
        var=var,
        format=format,
        report=report,
        act=lambda runtime, chosen, watch, interruption: running.run(runtime, chosen, watch, interruption, rows),
    )


def retry(
    context: typer.Context,
    what: Annotated[str, typer.Argument(help="An activation, or a query with an export.", metavar="ADDRESS")],
    env: EnvOption = None,
    directory: DirectoryOption = None,
    var: VarOption = None,
    format: FormatOption = Format.TEXT,
) -> None:
    """Finish the newest run: from where it broke off, or with the rows once more that the vendor refused in it."""
    from reconciler.commands import running

    _follow(context, address(what), env=env, directory=directory, var=var, format=format, act=running.retry)


def logs(
    context: typer.Context,
    what: Annotated[
        str,
        typer.Argument(
            help="A query, an activation, an import, a parent segment, a workflow or a dataflow.", metavar="ADDRESS"
        ),
    ],
    env: EnvOption = None,
    directory: DirectoryOption = None,
    var: VarOption = None,
    rows: RowsOption = 20,
    format: FormatOption = Format.TEXT,
) -> None:
    """Show how the newest run ended, and its log. Starts nothing."""
    from reconciler.commands import running

    chosen = address(what)
    with runtime_of(context, env=env, directory=directory, variables=var) as runtime:
        answer = running.logs(runtime, chosen, rows)
    output.finish(answer, format)


def preview(
    context: typer.Context,
    what: Annotated[str, typer.Argument(help="An import or an activation.", metavar="ADDRESS")],
    env: EnvOption = None,
    directory: DirectoryOption = None,
    var: VarOption = None,
    rows: RowsOption = 20,
    format: FormatOption = Format.TEXT,
) -> None:
    """Show which rows an import would bring, or an activation send and leave out. Makes nothing and sends nothing."""
    from reconciler.commands import previewing
    from reconciler.commands.interruption import Interruption

    chosen, interruption = address(what), Interruption()
    with (
        interruptible(interruption),
        runtime_of(context, env=env, directory=directory, variables=var) as runtime,
    ):
        answer = previewing.preview(runtime, chosen, rows, interruption)
    output.finish(answer, format)


def _follow(
    context: typer.Context,
    chosen: Address,
    *,
    env: str | None,
    directory: Path | None,
    var: list[str] | None,
    format: Format,
    act: Callable[[Runtime, Address, Callable[[Job], None], Interruption], Answer],
    report: list[str] | None = None,
) -> None:
    """Let *act* begin something, and tell how it goes to its end."""
    from reconciler.commands.interruption import Interruption

    interruption = Interruption()
    with following(format, context.command_path) as follower:
        with (
            interruptible(interruption),
            runtime_of(context, env=env, directory=directory, variables=var) as runtime,
            _Told(chosen, follower) if format is Format.JSONL else _Shown(str(chosen)) as watcher,
        ):
            answer = act(runtime, chosen, watcher.watch, interruption)
        if isinstance(follower, Events):
            follower.summed_up(answer)
            output.finish_shown(answer, output.IN_FULL, report)
    shown = answer.document
    if answer.exit_code and format is Format.TEXT and shown["log"]:
        # Told once, and where the reader of an error looks, even when the result goes into a file.
        for line in str(shown["log"]).rstrip().splitlines():
            output.say(line)
        shown = shown | {"log": ""}
    output.emit(shown, format)
    output.finish_shown(answer, output.IN_FULL, report)


class _Told:
    """Each new status as an event of the one operation that a run is."""

    def __init__(self, address: Address, follower: Following) -> None:
        self.address = address
        self.follower = follower
        self.last: Job | None = None

    def __enter__(self) -> Self:
        self.follower.operation(self.address, "start", "run")
        return self

    def watch(self, job: Job) -> None:
        """Tell where *job* stands, if it moved."""
        if job != self.last:
            self.last = job
            self.follower.operation(self.address, "progress", f"job {job.job_id} {job.status}, {job.done} rows")

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if self.last is None or error is not None:
            self.follower.operation(self.address, "failed", "")
            return
        ended = {"success": "done", "error": "failed", "killed": "failed"}.get(self.last.status.value, "unknown")
        self.follower.operation(self.address, ended, f"job {self.last.job_id} {self.last.status}")


class _Shown:
    """Where the job stands, for whoever waits; and a line for each new status, which stays."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.job: Job | None = None
        self._closing = contextlib.ExitStack()

    def __enter__(self) -> Self:
        self._closing.enter_context(phase("run", self._progress))
        return self

    def _progress(self) -> Progress:
        job = self.job
        if job is None:
            return Progress(self.title)
        rows = f", {job.done:,} rows" if job.done and not job.total else ""
        return Progress(f"{self.title}: job {job.job_id} {job.status}{rows}", job.done, job.total)

    def watch(self, job: Job) -> None:
        """Tell where *job* stands."""
        before, self.job = self.job, job
        if before is None or job.status != before.status:
            output.tell(f"{self.title}: job {job.job_id} {job.status}")

    def __exit__(self, *error: object) -> None:
        self._closing.close()


def serve(
    context: typer.Context,
    env: EnvOption = None,
    directory: DirectoryOption = None,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Port of the service, on loopback; 0 for a free one.")
    ] = 0,
    dashboard: Annotated[
        str,
        typer.Option(
            "--dashboard",
            metavar="HOST:PORT|off",
            help="Where the dashboard is; beyond loopback it wants a token in TDR_DASHBOARD_TOKEN.",
        ),
    ] = "127.0.0.1:0",
    sample_every: Annotated[
        str, typer.Option("--sample-every", metavar="DURATION", help="How often sizes and drift are kept for plots.")
    ] = "15m",
) -> None:
    """Run the dashboard, and the embedded service with its scheduler, until stopped. Other commands then talk to it."""
    from reconciler.cli.session import seconds
    from reconciler.web import serving

    place = serving.place_of(dashboard)
    every_s = seconds("--sample-every", sample_every)
    with runtime_of(context, env=env, directory=directory) as runtime:
        serving.serve(
            runtime,
            lambda: runtime_of(context, env=runtime.environment_name, directory=directory, may_be_empty=True),
            place,
            serving.Serving(port, every_s),
            output.say,
        )


def sandbox(
    vendor: Annotated[Vendor, typer.Option("--vendor", help="Whose API it answers.")] = Vendor.PINTEREST,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port on loopback; 0 for a free one.")] = 0,
    state_file: Annotated[
        Path | None,
        typer.Option(
            "--state-file", help="File that keeps tokens, audiences and members over a restart; else all is forgotten."
        ),
    ] = None,
) -> None:
    """Run an emulator of a vendor's API, until stopped. Nothing leaves this machine."""
    from reconciler.commands import serving

    serving.sandbox(vendor, port, state_file, output.say)
