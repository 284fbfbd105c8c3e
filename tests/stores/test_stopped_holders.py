"""A process that stands still for longer than its lease, as on a laptop that sleeps, does not write when it goes on."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from holder_driver import LEASE_S, done
from places import Place

from reconciler.ports.clock import SystemClock
from reconciler.stores.holding import Writer

DRIVER = Path(__file__).with_name("holder_driver.py")
HEIR = Writer("noor", "build-2", 22)


@pytest.mark.parametrize("place", ["postgres", "s3"], indirect=True)
@pytest.mark.parametrize("where", ["between", "inside"])
def test_a_holder_that_was_stopped_beyond_its_lease_is_succeeded_and_writes_no_more(place: Place, where: str) -> None:
    place.clock = SystemClock()
    command = [sys.executable, str(DRIVER), place.kind, place.address, place.name, str(place.folder), where]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        try:
            assert holder.stdout.readline() == "held\n"
            holder.send_signal(signal.SIGSTOP)
            heir = place.open(writer=HEIR, lease_s=60 * LEASE_S)
            with heir.lock("apply", "r2", 60):
                heir.append(done("new"))
                holder.send_signal(signal.SIGCONT)
                _, told = holder.communicate("go on\n", timeout=60)
        finally:
            holder.kill()
        code = holder.wait()

    assert "was taken away from this run\nnothing more is written" in told
    assert code == 1
    remembered = place.open().read().state.records
    assert sorted(address.name for address in remembered) == ["early", "new"]
