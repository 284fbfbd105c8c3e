"""Runs one apply and is killed before, or in the middle of, its n-th touch of the disk; then before the next, and so on.

Called as ``python crash_driver.py FOLDER WHERE``; leaves one state folder a crash, ``FOLDER/<n>/state``, and what the run
was told to be durable until then, one serial a line, in ``FOLDER/<n>/acknowledged``.
"""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from reconciler.model.address import Address
from reconciler.model.record import Record, State
from reconciler.ports.store import Entry, Phase
from reconciler.stores.files import Disk
from reconciler.stores.local import LocalStore


def address(serial: int) -> Address:
    return Address("audience", f"a-{serial}")


def expected(lineage: str, serial: int) -> State:
    """The state that the run has made when its serial is *serial*."""
    records = {address(number): Record(str(number), {"title": "x" * 50}) for number in range(1, serial + 1)}
    return State(lineage, "prod", serial, records=records)


def run(store: LocalStore, acknowledge: Path) -> None:
    def done(state: State) -> State:
        with acknowledge.open("a") as file:
            file.write(f"{state.serial}\n")
        return state

    def step(state: State) -> State:
        serial = state.serial + 1
        record = Record(str(serial), {"title": "x" * 50})
        store.append(Entry(f"op{serial}", Phase.INTENT, "create", address(serial), 1.0))
        store.append(Entry(f"op{serial}", Phase.DONE, "create", address(serial), 2.0, remembers=True, record=record))
        return done(state.with_record(address(serial), record))

    with store.lock("apply", "r1", 0):
        state = done(store.read().state)
        store.append(Entry("left-open", Phase.INTENT, "create", Address("audience", "open"), 1.0))
        state = step(step(state))
        store.checkpoint(state, state.serial)
        state = step(state)
        forward = expected(state.lineage, state.serial + 1)
        store.checkpoint(forward, state.serial)
        state = done(replace(forward))
        step(state)


@dataclass
class Deadly(Disk):
    """The disk of a machine that dies at the *fatal*-th touch; *torn*: with half of it done."""

    fatal: int
    torn: bool
    touches: int = 0

    def _touch(self) -> bool:
        self.touches += 1
        if self.touches == self.fatal and not self.torn:
            die()
        return self.touches == self.fatal

    def write(self, path: Path, data: bytes) -> None:
        if self._touch():
            path.write_bytes(data[: len(data) // 2])
            die()
        super().write(path, data)

    def append(self, path: Path, data: bytes) -> None:
        if self._touch():
            with path.open("ab") as file:
                file.write(data[: len(data) // 2])
            die()
        super().append(path, data)

    def rename(self, source: Path, target: Path) -> None:
        last = self._touch()
        super().rename(source, target)
        if last:
            die()

    def link(self, source: Path, target: Path) -> None:
        last = self._touch()
        super().link(source, target)
        if last:
            die()

    def truncate(self, path: Path, size_bytes: int) -> None:
        last = self._touch()
        super().truncate(path, size_bytes)
        if last:
            die()

    def remove(self, path: Path) -> None:
        last = self._touch()
        super().remove(path)
        if last:
            die()


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main(folder: Path, where: str) -> None:
    fatal = 0
    killed = True
    while killed:
        fatal += 1
        place = folder / str(fatal)
        place.mkdir(parents=True)
        child = os.fork()
        if child == 0:
            run(LocalStore(place / "state", "prod", files=Deadly(fatal, where == "in")), place / "acknowledged")
            os._exit(0)
        _, status = os.waitpid(child, 0)
        killed = os.WIFSIGNALED(status)
        if not killed and os.WEXITSTATUS(status) != 0:
            sys.exit(f"the run failed by itself at touch {fatal}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
