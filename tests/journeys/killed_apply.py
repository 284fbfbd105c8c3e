"""Runs `tdr apply --yes`, or `tdr rollback RUN --yes`, in the current folder and kills itself at the n-th journal line,
wherever the project keeps its state.

Called as ``python killed_apply.py BASE_URL before|after N [RUN]``, with what `TDR_APPROVE` and `TDR_REASON` say; prints the
number of lines when there were fewer.
"""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from reconciler.commands import applying
from reconciler.commands.interruption import Interruption
from reconciler.commands.rollback import rollback
from reconciler.engine.approvals import Approval
from reconciler.ports.store import Entry, StateStore
from reconciler.wiring import open_runtime


class DeadlyStore:
    """The store *under*, which ends the process, as `kill -9` does, before or after one line."""

    def __init__(self, under: StateStore, where: str, fatal: int) -> None:
        self._under = under
        self._where = where
        self._fatal = fatal
        self.lines = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._under, name)

    def append(self, entry: Entry) -> None:
        self.lines += 1
        self._die_if("before")
        self._under.append(entry)
        self._die_if("after")

    def _die_if(self, where: str) -> None:
        if self.lines == self._fatal and self._where == where:
            os.kill(os.getpid(), signal.SIGKILL)


def main(base_url: str, where: str, fatal: int, run_id: str = "") -> None:
    with open_runtime(
        start=Path.cwd(),
        environment=None,
        variables={"pinterest": base_url},
        resolve_secrets=True,
    ) as runtime:
        store = DeadlyStore(runtime.store, where, fatal)
        consent = applying.Consent(show=lambda _: None, ask=lambda _: True)
        approvals = tuple(map(Approval.parse, os.environ.get("TDR_APPROVE", "").split()))
        reason = os.environ.get("TDR_REASON", "")
        run = applying.Run(consent, lambda *_: None, Interruption(), parallel=1, approvals=approvals, reason=reason)
        watched = replace(runtime, state=SimpleNamespace(open=lambda: store))
        answer = rollback(watched, run, run_id) if run_id else applying.apply(watched, run)
    sys.stdout.write(f"{store.lines}\n")
    sys.exit(answer.exit_code)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), *sys.argv[4:])
