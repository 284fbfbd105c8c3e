"""Entry point of `tdr`: the verbs, and the exit codes."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler import __version__, known_secrets, logs, spans
from reconciler.cli import (
    ci,
    comparing,
    completion,
    drift,
    formatting,
    importing,
    lifecycle,
    looking,
    memory,
    mistyped,
    output,
    precedence,
    project,
    refreshing,
    rollback,
    running,
    schedule,
    state,
    streams,
    tdx,
    waiting,
)
from reconciler.cli.arguments import arranged
from reconciler.cli.precedence import Asked
from reconciler.cli.session import ending_as_asked, within
from reconciler.errors import Ended, TdrError

if TYPE_CHECKING:
    from reconciler.ports.clock import Clock

USAGE = 64
INTERRUPTED = 130
OFF = {"", "0", "false", "f", "no", "n", "off"}
"""What the environment variable of a flag may say for no, as typer reads it."""


class LogFormat(StrEnum):
    """How a line of the log is written."""

    TEXT = "text"
    JSON = "json"


app = typer.Typer(
    name="tdr",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Plan and apply for customer-data activation.",
)


def _told_version(is_asked: bool) -> None:
    if is_asked:
        sys.stdout.write(f"tdr {__version__}\n")
        raise typer.Exit


@app.callback()
def common(
    context: typer.Context,
    # Not called as the verb is: settings of the project for a verb stand under its name.
    tells_version: Annotated[
        bool, typer.Option("--version", callback=_told_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", envvar="TDR_DEBUG", help="Show stack traces.")] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colours, as with NO_COLOR.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print results and errors only.")] = False,
    log_format: Annotated[LogFormat, typer.Option("--log-format", help="How lines of the log are written.")] = (
        LogFormat.TEXT
    ),
    timeout: Annotated[
        str, typer.Option("--timeout", help="How long the command may take, such as 20m; apply then ends cleanly.")
    ] = "",
    var_file: Annotated[
        list[Path] | None,
        typer.Option(
            "--var-file", help="YAML file with values for ${var:NAME}; repeatable, --var wins.", metavar="FILE"
        ),
    ] = None,
) -> None:
    """Hold what every verb may need."""
    del tells_version  # printed before any verb is looked for
    del debug  # what is done with it is done before any command is known: see `main`
    if no_color:
        os.environ["NO_COLOR"] = "1"
    output.show_progress(not quiet)
    logs.write_as(log_format.value)
    context.obj = replace(context.obj, var_files=tuple(var_file or ()))
    context.with_resource(within(timeout))
    context.with_resource(waiting.shown())


lifecycle.add_to(app)
comparing.add_to(app)
drift.add_to(app)
refreshing.add_to(app)
formatting.add_to(app)
looking.add_to(app)
rollback.add_to(app)
running.add_to(app)
project.add_to(app)
state.add_to(app)
importing.add_to(app)
schedule.add_to(app)
tdx.add_to(app)
ci.add_to(app)
completion.add_to(app)


def run() -> None:
    """Run the command line and exit with the documented code."""
    memory.collect_seldom()
    streams.settle()
    logs.guard_crashes(logs.trace if _shows_traces(sys.argv[1:]) else logs.one_line)
    if sys.argv[1:2] == [completion.ASKED]:
        streams.leave(completion.answer(tree(), sys.argv[2:]))
    streams.leave(main(sys.argv[1:]))


def main(arguments: list[str], clock: Clock | None = None) -> int:
    """Run one command line and return its exit code. A wrong one is 64, never 2, which means that differences exist.

    clock: what the run goes by; None is the machine's, or what `TDR_NOW` makes of it.
    """
    # Looking for plugins of pydantic reads the metadata of every installed package; tdr uses none.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    known_secrets.keep_out_of_dumps()  # before any is read: the environment of this process may hold some
    debug = _shows_traces(arguments)
    try:
        with ending_as_asked():
            code = _called(arguments, clock)
    except mistyped.WrongCommandLine as error:
        mistyped.explain(error)
        return USAGE
    except (typer.Abort, KeyboardInterrupt):
        streams.hurry()
        return INTERRUPTED
    except (TdrError, Ended) as error:
        if isinstance(error, Ended):
            streams.hurry()
        if debug:
            sys.stderr.write(logs.trace(error))
        output.complain(error)
        return error.exit_code
    except OSError as error:
        # What is expected of files is told where they are used; here are those that went away or full in the middle.
        if debug:
            sys.stderr.write(logs.trace(error))
        where = f"{error.filename}: " if error.filename else ""
        sys.stderr.write(
            f"error: {where}{error.strerror or type(error).__name__}\n"
            "hint: a file or folder that tdr works with went away or cannot be used; "
            "see that it is there, has space and is yours, then run the same command again\n"
        )
        return 1
    except Exception as error:  # noqa: BLE001 - the last place: what arrives here is a bug, and is told as one
        if debug:
            sys.stderr.write(logs.trace(error))
        sys.stderr.write(
            f"error: this is a bug in tdr ({type(error).__name__}); what was done is in the journal of the state folder\n"
            "hint: run the same command with --debug and report what it prints\n"
        )
        return 1
    return code if isinstance(code, int) else 0


@cache
def tree() -> typer.core.TyperGroup:
    """All commands with all options, each with its variable. Making it takes as long as a small command does."""
    made = typer.main.get_group(app)
    precedence.name_variables(made)
    return made


def _called(arguments: list[str], clock: Clock | None) -> object:
    command = tree()
    line = arranged(command, arguments)
    given = precedence.written_defaults(line)
    asked = Asked(command, line, given, clock)
    defaults = precedence.default_map(command, given) if given else {}
    spans.begin(os.environ, __version__)
    about = {"tdr.run_id": asked.run_id}
    with logs.belonging_to(asked.run_id), spans.command(" ".join(("tdr", *line.verb)), about):
        code = command.main(
            args=list(line.arguments), prog_name="tdr", standalone_mode=False, obj=asked, default_map=defaults
        )
        if code == INTERRUPTED:  # typer makes a code of it where a verb runs
            streams.hurry()
        spans.tell({"process.exit.code": code if isinstance(code, int) else 0})
    return code


def _shows_traces(arguments: list[str]) -> bool:
    return "--debug" in arguments or os.environ.get("TDR_DEBUG", "").lower() not in OFF
