"""A process that holds the lock of a shared place, says so, and writes once more when it is told to.

Called as ``python holder_driver.py KIND ADDRESS NAME FOLDER WHERE``, WHERE being ``between`` writes or ``inside`` of those that
belong together. Prints ``held``, reads a line, writes, and ends as `tdr` does: with the error on stderr and its exit code.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # where what all tests share is

from places import Place

from reconciler.errors import TdrError
from reconciler.model.address import Address
from reconciler.model.record import Record
from reconciler.ports.clock import SystemClock
from reconciler.ports.store import Entry, Phase
from reconciler.stores.shelf import DOCUMENT

LEASE_S = 1.0


def done(op: str) -> Entry:
    """The entry that ends the operation *op*."""
    address = Address("audience", op)
    return Entry(op, Phase.DONE, "create", address, 2.0, run="r1", remembers=True, record=Record(op, {}))


def _told(where: str) -> None:
    sys.stdout.write(f"{where}\n")
    sys.stdout.flush()
    sys.stdin.readline()


def main(kind: str, address: str, name: str, folder: str, where: str) -> None:
    with ExitStack() as stack:
        place = Place(kind, address, name, Path(folder), SystemClock(), stack)
        store = place.open(lease_s=LEASE_S, renew_s=LEASE_S / 4)
        with store.lock("apply", "r1", 0) as holder:
            store.append(done("early"))
            if where == "inside":
                shelf = store._shelf  # type: ignore[attr-defined]
                with store._writing(holder):  # type: ignore[attr-defined]
                    there = shelf.get(DOCUMENT)
                    shelf.put(DOCUMENT, there.data, there.version)
                    _told("held")
            else:
                _told("held")
            store.append(done("late"))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except TdrError as error:
        sys.stderr.write(f"{error.message}\n{error.hint}\n")
        sys.exit(error.exit_code)
