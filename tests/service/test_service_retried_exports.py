"""The export of a job is finished without its query, once it is over, by an exporter that can."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

from service_world import TARGET, OpenWorld, RecordingExporter, World

from reconciler.errors import Permanent
from reconciler.ports.exports import ExportReport, ExportRequest, Progress


@dataclass
class Finishing(RecordingExporter):
    """Finishes what it is asked to, or has nothing to finish."""

    refused: int = 2

    def retry(self, request: ExportRequest, progress: Progress, cancelled: threading.Event) -> ExportReport:
        self.checked.append((request, {}))
        if not self.refused:
            raise Permanent("no refused row is left")
        progress(0, self.refused, "sending once more")
        report = ExportReport(rows=self.refused, sent=self.refused, requests=1)
        self.refused = 0
        return report


def opened(open_world: OpenWorld, **options: Any) -> World:
    world = open_world(**options)
    world.post("/v3/database/create/sales")
    return world


def exported(world: World) -> str:
    return str(world.run("SELECT 'ana@example.com' AS email", result=TARGET)["job_id"])


def test_an_export_is_finished_by_a_job_that_its_query_points_to(open_world: OpenWorld) -> None:
    exporter = Finishing()
    world = opened(open_world, exporter=exporter)
    query = exported(world)

    retries = []
    for _ in range(2):
        retries.append(world.post(f"/v3/job/retry_export/{query}")["job_id"])
        assert world.service.wait(30)

    first, second = (world.get(f"/v3/job/show/{retry}") for retry in retries)
    assert (first["type"], first["status"], first["num_records"]) == ("retry", "success", 2)
    assert "sending once more" in first["debug"]["cmdout"]
    assert (second["status"], second["debug"]["stderr"]) == ("error", "no refused row is left")
    assert world.get(f"/v3/job/show/{query}")["linked_result_export_job_id"] == retries[1]
    request, _ = exporter.checked[-1]
    assert (request.job_id, request.settings["refresh_token"]) == (query, "r-secret")
    assert len(exporter.exported) == 1, "the query has not run again"


def test_what_cannot_be_finished_is_refused(open_world: OpenWorld) -> None:
    world = opened(open_world)
    plain = str(world.run("SELECT 1 AS n")["job_id"])
    assert "no export" in str(world.post(f"/v3/job/retry_export/{plain}", status=422))
    world.post("/v3/job/retry_export/77", status=404)

    retry = world.post(f"/v3/job/retry_export/{exported(world)}")["job_id"]
    assert world.service.wait(30)

    job = world.get(f"/v3/job/show/{retry}")
    assert (job["status"], job["debug"]["stderr"]) == (
        "error",
        "exports of type 'pinterest' cannot be finished here; run the query anew",
    )


def test_an_export_that_still_runs_is_not_finished_a_second_time(open_world: OpenWorld) -> None:
    exporter = Finishing(wait_for_cancel=True)
    world = opened(open_world, exporter=exporter)
    query = world.post("/v3/job/issue/presto/sales", {"query": "SELECT 'a@example.com' AS email", "result": TARGET})
    assert exporter.started.wait(30)

    world.post(f"/v3/job/retry_export/{query['job_id']}", status=409)

    world.post(f"/v3/job/kill/{query['job_id']}")
    assert world.service.wait(30)
