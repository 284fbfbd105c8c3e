"""Reads that cannot be one list call: the tables of 200 databases, each a call of 50 ms.

Saved queries come in one call whatever their number, so that reading one object per resource is not needed for them. Tables
are listed per database; the bound is what the latency alone costs with ten calls in flight.
"""

from __future__ import annotations

import statistics
import time

import orjson
from answering import answering
from measuring import IS_QUICK, Goal, show

from reconciler.apis.treasure_data_connect import connect
from reconciler.apis.treasure_data_endpoint import Endpoint
from reconciler.model.address import Address
from reconciler.model.observation import Finding
from reconciler.model.record import Record
from reconciler.model.secret import Secret
from reconciler.ports.clock import SystemClock
from reconciler.ports.provider import Context, Wanted
from reconciler.providers.treasure_data.provider import TreasureDataProvider

DATABASES = 200
LATENCY_S = 0.05
IN_FLIGHT = 10
REPEAT = 3 if IS_QUICK else 5


def listing() -> None:
    """Measure and show."""
    answers = {
        f"/v3/table/list/db_{number:03}": orjson.dumps({"tables": [{"name": "people", "schema": "[]"}]})
        for number in range(DATABASES)
    }
    records = {
        Address("table", f"people-{number:03}"): Record(f"db_{number:03}.people", {}) for number in range(DATABASES)
    }
    seconds = []
    with answering(answers, LATENCY_S) as address:
        for _ in range(REPEAT):
            api = connect(Endpoint("bench", address), Secret("bench", "1/bench"), clock=SystemClock())
            provider = TreasureDataProvider(api, "bench/1", creates_connections=False)
            wanted = [Wanted(address, None, record) for address, record in records.items()]
            began = time.perf_counter()
            seen = provider.observe(wanted, Context({}))
            seconds.append(time.perf_counter() - began)
            api.close()
            assert all(isinstance(look, Finding) and look.by_id is not None for look in seen.values())
    median, bound = statistics.median(seconds), DATABASES / IN_FLIGHT * LATENCY_S
    show(
        f"Tables of {DATABASES} databases, {LATENCY_S * 1000:.0f} ms a call, medians of {REPEAT}",
        [["", "s"], ["tdr", f"{median:.2f}"], [f"latency alone, {IN_FLIGHT} in flight", f"{bound:.2f}"]],
        [Goal("reading / latency bound", median / bound, 1.15)],
    )
