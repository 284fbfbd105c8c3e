"""What was found now and then, kept for plots: sizes of audiences and what had drifted. No value of a field is in it."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import orjson

from reconciler import durable
from reconciler.errors import TdrError
from reconciler.logs import logger

if TYPE_CHECKING:
    from reconciler.ports.clock import Clock
    from reconciler.web.standing import Standings

KEPT_S: Final = 90 * 86400.0
"""Samples that are older go."""
_TIDY_EVERY: Final = 500
_END_OF_CALENDAR: Final = 253_402_300_800
"""The year 10000, in Unix seconds."""


@dataclass(frozen=True, slots=True)
class Sample:
    """*at*: Unix seconds. sizes: address -> members. counts: how many stand how. drifted: addresses."""

    at: float
    sizes: Mapping[str, int]
    counts: Mapping[str, int]
    drifted: tuple[str, ...]

    @classmethod
    def of(cls, found: Standings, at: float) -> Sample:
        """What is kept of a look."""
        return cls(
            at,
            {one.address: one.size for one in found.all if one.size is not None},
            found.counts,
            tuple(one.address for one in found.all if one.how in {"drifted", "missing"}),
        )


class Samples:
    """A file of samples, a line each. A line that cannot be read, such as of a process that was killed, is left out."""

    def __init__(self, path: Path, clock: Clock) -> None:
        """Keep them in *path*."""
        self._path = path
        self._clock = clock
        self._lock = threading.Lock()
        self._added = 0

    def add(self, sample: Sample) -> None:
        """Keep *sample*, and let go of what is too old.

        Raises:
            OSError: it cannot be written.
        """
        told = {"at": sample.at, "sizes": dict(sample.sizes), "counts": dict(sample.counts), "drifted": sample.drifted}
        with self._lock:
            if self._added % _TIDY_EVERY == 0:
                self._tidy()
            self._added += 1
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with self._path.open("ab") as file:
                # A line break first ends a line that a process left unfinished.
                file.write((b"\n" if self._is_unfinished() else b"") + orjson.dumps(told) + b"\n")

    def all(self) -> list[Sample]:
        """In the order of time."""
        return sorted(self._read(), key=lambda one: one.at)

    def newest(self) -> Sample | None:
        """The one that was taken last."""
        return max(self._read(), key=lambda one: one.at, default=None)

    def sizes(self) -> dict[str, list[tuple[float, int]]]:
        """Of each audience its members over time, each with its moment in Unix seconds."""
        found: defaultdict[str, list[tuple[float, int]]] = defaultdict(list)
        for one in self._read():
            for address, size in one.sizes.items():
                found[address].append((one.at, size))
        for known in found.values():
            known.sort()
        return dict(found)

    def _is_unfinished(self) -> bool:
        try:
            with self._path.open("rb") as file:
                file.seek(-1, 2)
                return file.read(1) != b"\n"
        except OSError:
            return False

    def _read(self) -> Iterator[Sample]:
        try:
            # Line by line: 90 days of a hundred audiences are more than one would keep in memory for a page.
            lines = self._path.open("rb")
        except FileNotFoundError:
            return
        except OSError as error:
            # Plots are the least of a page; nothing else of it depends on them.
            logger("reconciler.web").warning("dashboard_samples_not_read", file=str(self._path), why=error.strerror)
            return
        with lines:
            yield from _readable(lines)

    def _tidy(self) -> None:
        oldest = self._clock.now() - KEPT_S
        kept = list(self._read())
        young = [one for one in kept if one.at >= oldest]
        if len(young) < len(kept):
            lines = ({"at": one.at, "sizes": one.sizes, "counts": one.counts, "drifted": one.drifted} for one in young)
            durable.replace(self._path, b"".join(orjson.dumps(line) + b"\n" for line in lines))


def _readable(lines: Iterable[bytes]) -> Iterator[Sample]:
    for line in lines:
        try:
            told = orjson.loads(line)
            sizes = {str(name): int(size) for name, size in told["sizes"].items()}
            counts = {str(name): int(count) for name, count in told["counts"].items()}
            yield Sample(_moment(told["at"]), sizes, counts, tuple(map(str, told["drifted"])))
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
            continue


def _moment(told: float) -> float:
    """Unix seconds. Raises TypeError or ValueError for what no calendar has."""
    if not 0 <= told < _END_OF_CALENDAR:
        raise ValueError(told)
    return told


class Sampling(threading.Thread):
    """Takes a sample now and every so often, until it is ended. A look that fails is told in the log and tried again then."""

    def __init__(self, samples: Samples, look: Callable[[], tuple[Standings, float]], every_s: float) -> None:
        """*look*: how everything stands, and when."""
        super().__init__(name="sampling", daemon=True)
        self._samples = samples
        self._look = look
        self._every_s = every_s
        self._ended = threading.Event()

    def run(self) -> None:
        """Take samples."""
        newest = 0.0
        while not self._ended.is_set():
            try:
                found, at = self._look()
                if at > newest:  # a look that somebody else had just taken is shown again
                    self._samples.add(Sample.of(found, at))
                    newest = at
            except TdrError as error:
                logger("reconciler.web").warning("dashboard_sample_failed", why=error.message)
            except OSError as error:
                logger("reconciler.web").warning(
                    "dashboard_sample_not_kept", file=str(error.filename), why=error.strerror
                )
            self._ended.wait(self._every_s)

    def end(self) -> None:
        """Take no more."""
        self._ended.set()
