"""What a command is at, for whoever waits: a line that changes and goes on a terminal; elsewhere one now and then."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from reconciler.cli import output
from reconciler.reports.characters import visible

if TYPE_CHECKING:
    from reconciler.phases import Progress

SHOWN_AFTER_S: Final = 1.0
_LOOKS_A_SECOND: Final = 4
FIRST_LINE_S: Final = 10.0
NEXT_LINE_S: Final = 30.0
"""A log of a pipeline is read afterwards, and by those who ask themselves whether it hangs."""


@dataclass(slots=True)
class _Part:
    where: Callable[[], Progress]
    since: float
    next_line: float


@dataclass
class Waiting:
    """Shows the innermost part of what a command is at. Safe for many threads; close it, or use `shown`.

    is_live: whether stderr is a terminal that can take a line back.
    say: takes a line, where it is not.
    first_s: seconds until the first line, of each part; *next_s* until the following ones.
    """

    is_live: bool
    say: Callable[[str], None] = output.tell
    first_s: float = FIRST_LINE_S
    next_s: float = NEXT_LINE_S
    now: Callable[[], float] = time.monotonic
    _parts: list[_Part] = field(default_factory=list)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _over: threading.Event = field(default_factory=threading.Event)
    _looking: threading.Thread | None = None
    _bar: Any = None
    _begun: float = field(init=False)

    def __post_init__(self) -> None:
        """Remember when the command began."""
        self._begun = self.now()

    def begun(self, where: Callable[[], Progress]) -> Callable[[], None]:
        """See `phases.Watcher`."""
        now = self.now()
        part = _Part(where, now, now + self.first_s)
        with self._lock:
            self._parts.append(part)
            if self._looking is None:
                self._looking = threading.Thread(target=self._look_on, name="waiting", daemon=True)
                self._looking.start()
        return lambda: self._ended(part)

    def _ended(self, part: _Part) -> None:
        with self._lock:
            self._parts.remove(part)
            if not self._parts:
                self._hide()

    def close(self) -> None:
        """Take the line away and say nothing more."""
        self._over.set()
        if self._looking is not None:
            self._looking.join()
        with self._lock:
            self._hide()

    def _look_on(self) -> None:
        while not self._over.wait(1 / _LOOKS_A_SECOND if self.is_live else min(1.0, self.first_s, self.next_s)):
            with self._lock:
                if self._parts and self.is_live:
                    self._show(self._parts[-1])
                elif self._parts:
                    self._say(self._parts[-1])

    # -- elsewhere -----------------------------------------------------------------------------------------------------

    def _say(self, part: _Part) -> None:
        now = self.now()
        if now < part.next_line:
            return
        part.next_line = now + self.next_s
        self.say(f"… {_in_words(part.where())}, {now - part.since:.0f} s")

    # -- on a terminal -------------------------------------------------------------------------------------------------

    def _show(self, part: _Part) -> None:
        if self._bar is None and self.now() - self._begun < SHOWN_AFTER_S:
            return
        at = part.where()
        text, total = visible(at.text), at.total or None
        if self._bar is not None:
            [task] = self._bar.task_ids
            self._bar.update(task, description=text, completed=at.done, total=total, refresh=True)
            return
        self._bar = bar = _bar()
        bar.add_task(text, completed=at.done, total=total)
        bar.start()
        output.print_by(lambda line: bar.console.print(line, soft_wrap=True, markup=False, highlight=False))

    def _hide(self) -> None:
        if self._bar is not None:
            output.print_by(None)
            self._bar.stop()
            self._bar = None


def _in_words(at: Progress) -> str:
    return f"{at.text}: {at.done:,} of {at.total:,}" if at.total else at.text


def _bar() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as ProgressBar
    from rich.table import Column

    class OfWhatIsKnown(BarColumn):
        def render(self, task: Any) -> Any:
            return super().render(task) if task.total else ""

    class CountOfWhatIsKnown(MofNCompleteColumn):
        def render(self, task: Any) -> Any:
            return super().render(task) if task.total else ""

    text = TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis"))
    columns = (SpinnerColumn(), text, OfWhatIsKnown(bar_width=20), CountOfWhatIsKnown(), TimeElapsedColumn())
    # Results go to stdout as they are, whatever is shown meanwhile.
    return ProgressBar(
        *columns, console=Console(stderr=True), transient=True, auto_refresh=False, redirect_stdout=False
    )


@contextlib.contextmanager
def shown() -> Iterator[None]:
    """What is done inside is shown, unless nothing is told at all."""
    if not output.tells():
        yield
        return
    import os

    from reconciler import phases

    waiting = Waiting(sys.stderr.isatty() and os.environ.get("TERM") not in {"dumb", "unknown"})
    try:
        with phases.watched_by(waiting):
            yield
    finally:
        waiting.close()
