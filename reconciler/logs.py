"""The log: for us, on stderr, one line an event. Never stdout, which belongs to the answer of a command.

No line and no trace holds a secret of this process or somebody's address, whoever wrote it: it is cleaned where it leaves.
"""

from __future__ import annotations

import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import TracebackType
from typing import Any, TypeAlias

Event: TypeAlias = MutableMapping[str, Any]

_form = "text"
_run: dict[str, str] = {}
_about: ContextVar[Mapping[str, str]] = ContextVar("about", default={})  # noqa: B039 - replaced, never changed


def logger(name: str) -> Any:
    """A logger for constant events with values as pairs. Imports structlog, so call it where something is to be said."""
    import structlog  # noqa: PLC0415 - 130 ms, and most runs log nothing

    if not structlog.is_configured():
        structlog.configure(
            processors=[
                structlog.stdlib.add_log_level,
                structlog.processors.TimeStamper("iso", utc=True),
                _placed,
                _where_only,
                scrubbed,
                _rendered,
                scrubbed_line,
            ],
            logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
            cache_logger_on_first_use=False,
        )
    return structlog.get_logger(name)


def write_as(form: str) -> None:
    """From now on lines are written as ``text``, or as ``json``: an object a line."""
    global _form  # noqa: PLW0603 - of the process, as stderr is
    _form = form


@contextmanager
def belonging_to(run: str) -> Iterator[None]:
    """Lines that are written meanwhile, by whichever thread, name *run*: the id of what this process was called for."""
    _run["run"] = run
    try:
        yield
    finally:
        _run.clear()


@contextmanager
def about(**values: str) -> Iterator[None]:
    """Lines that are written inside, also by threads that carry this context, have *values* too."""
    token = _about.set({**_about.get(), **values})
    try:
        yield
    finally:
        _about.reset(token)


def note(**values: str) -> None:
    """Lines have *values* too until the `about` that this is inside of ends."""
    _about.set({**_about.get(), **values})


def _placed(_logger: object, _method: str, event: Event) -> Event:
    return {**_run, **_about.get(), **event}


def _rendered(told: object, method: str, event: Event) -> Any:
    import structlog  # noqa: PLC0415 - loaded already

    if _form == "json":
        return structlog.processors.JSONRenderer(sort_keys=True, ensure_ascii=False)(told, method, event)
    return structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"])(told, method, event)


def trace(error: BaseException) -> str:
    """The stack trace of *error* and of what it was raised from, fit to be shown."""
    return cleaned("".join(traceback.format_exception(error)))


def one_line(error: BaseException) -> str:
    """That *error* ended something, without its text, which may hold anything."""
    return f"error: this is a bug in tdr ({type(error).__name__}); run the same command with --debug and report it\n"


def guard_crashes(told: Callable[[BaseException], str] = trace) -> None:
    """From now on what nobody caught is *told* on stderr, in whichever thread it happens."""

    def tell(_kind: type[BaseException], error: BaseException, _at: TracebackType | None) -> None:
        sys.stderr.write(told(error))

    def tell_of_thread(crash: threading.ExceptHookArgs) -> None:
        if crash.exc_value is not None and not isinstance(crash.exc_value, SystemExit):
            sys.stderr.write(told(crash.exc_value))

    def tell_of_leftovers(crash: sys.UnraisableHookArgs) -> None:
        if crash.exc_value is not None:
            sys.stderr.write(told(crash.exc_value))

    def tell_of_warning(message: Warning | str, category: type[Warning], *_where: object, **_options: object) -> None:
        logger("warnings").warning("a library warns", kind=category.__name__, message=str(message))

    sys.excepthook = tell
    threading.excepthook = tell_of_thread
    sys.unraisablehook = tell_of_leftovers
    warnings.showwarning = tell_of_warning


def guard_libraries() -> None:
    """From now on what libraries log as a warning or worse, and nobody else takes, is told as ours is: cleaned.

    Called where libraries that log are in use, for the module of the standard library costs a start 5 ms.
    """
    import logging  # noqa: PLC0415 - as said

    class Cleaned(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            level = "error" if record.levelno >= logging.ERROR else "warning"
            told = {"library": record.name, "message": record.getMessage(), "exc_info": record.exc_info or None}
            getattr(logger(record.name), level)("a library says", **told)

    logging.lastResort = Cleaned(logging.WARNING)


def scrubbed(_logger: object, _method: str, event: Event) -> Event:
    """Every value without secrets and the data of people, before a renderer escapes it."""
    return {name: _scrubbed(value) for name, value in event.items()}


def scrubbed_line(_logger: object, _method: str, line: Any) -> str:
    """The whole line once more: names, and what only shows when it is rendered."""
    return cleaned(line)


def _scrubbed(value: Any) -> Any:
    match value:
        case str():
            return cleaned(value)
        case bytes():
            return cleaned(value.decode("utf-8", "backslashreplace"))
        case Mapping():
            return {_scrubbed(name): _scrubbed(inner) for name, inner in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_scrubbed(inner) for inner in value]
        case None | bool() | int() | float():
            return value
        case _:
            return cleaned(str(value))


def cleaned(text: str) -> str:
    """*text* without secrets of this process and the data of people."""
    from reconciler.scrubbing import everything  # noqa: PLC0415 - its patterns take 10 ms, and most runs log nothing

    return everything().clean(text)


def _where_only(_logger: object, _method: str, event: Event) -> Event:
    """An exception's kind and places instead of its text and variables: those may hold rows, secrets and members."""
    told = event.pop("exc_info", None)
    if told:
        given = told[1] if isinstance(told, tuple) else told
        error = given if isinstance(given, BaseException) else sys.exc_info()[1]
        if error is not None:
            event["error"] = type(error).__name__
            frames = traceback.extract_tb(error.__traceback__)
            event["at"] = " < ".join(f"{frame.filename}:{frame.lineno}" for frame in reversed(frames))
    return event
