"""Loads of advertising into a service: made, run, and run in a process that is killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from service_world import World

from reconciler.emulators.pinterest.tokens import AppCredentials

OWN = "549700000001"
CREDENTIALS = AppCredentials("1500001", "secret-of-the-app", "pinr.granted")
_DYING = Path(__file__).with_name("dying_load.py")


def load(world: World, method: str, table: str = "campaigns", into: str = "campaigns", **more: Any) -> None:
    """Make the load `ads` of *table* into the table ads.*into*."""
    source = {
        "type": "pinterest_marketing",
        "client_id": "1500001",
        "client_secret": "secret-of-the-app",
        "refresh_token": "pinr.granted",
        "ad_account_id": OWN,
        "table": table,
        "method": method,
        **more,
    }
    told = {"name": "ads", "database": "ads", "table": into, "config": {"in": source}}
    world.json("POST", "/v3/bulk_loads", told)


def run(world: World) -> dict[str, Any]:
    """Run it to its end; the job."""
    job_id = world.client.post("/v3/bulk_loads/ads/jobs", json={}).json()["job_id"]
    assert world.service.wait(60)
    job: dict[str, Any] = world.get(f"/v3/job/show/{job_id}")
    return job


def died(folder: Path, url: str, last: int) -> subprocess.CompletedProcess[str]:
    """One run of the load in a process that is killed at its *last* question for the time."""
    return subprocess.run(
        [sys.executable, str(_DYING), str(folder), str(last), "ads", url],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
