"""Runs at the embedded service: what they are given, how they end, and what they say."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from embedded_world import AROUND, World

from reconciler.model.activation import Outcome, Resolution
from reconciler.model.address import Address
from reconciler.model.resource import Resource
from reconciler.ports.provider import Context, Job, JobStatus

Declare = Callable[[Mapping[str, Mapping[str, object]]], dict[Address, Resource]]


def finished(world: World, job_id: str) -> Job:
    assert world.service.wait(60)
    return world.provider.job(job_id)


def test_a_run_exports_with_credentials_and_starts_once_a_key(world: World, declare: Declare) -> None:
    documents: dict[str, Mapping[str, object]] = {
        **AROUND,
        "activation/daily": {
            "from": {"query": {"database": "shop", "sql": "SELECT 'ana@example.com' AS email"}},
            "to": {"audience": "buyers"},
            "membership": "add",
        },
    }
    resources = declare(documents)
    address = Address("activation", "daily")
    add = Resolution(Outcome.STEADY, "add_people_to_current_audience", {"audience_id_add_people": "643"}, "643")
    context = Context(resources, resolution=add)
    made = world.provider.create(resources[address], world.provider.desired(resources[address], context))
    assert world.provider.last_job(address, made.remote_id) is None

    first, again = (world.provider.run(address, made.remote_id, "key-of-daily") for _ in range(2))
    job = finished(world, first)

    (request,) = world.exporter.requests
    assert (first == again, job.status, job.done, job.total) == (True, JobStatus.SUCCESS, 1, 1)
    assert (request.type, dict(request.settings)) == (
        "pinterest",
        {
            "client_id": "FAKE-client_id",
            "client_secret": "FAKE-client_secret",
            "refresh_token": "FAKE-refresh_token",
            "ad_account_id": "549760",
            "audience_type": "customer_list",
            "ignore_invalid_records": True,
            "action": "ADD_PEOPLE_TO_CURRENT_AUDIENCE",
            "audience_id_add_people": "643",
        },
    )
    last = world.provider.last_job(address, made.remote_id)
    assert last is not None
    assert last.job_id == first


def test_a_failed_run_says_why(world: World, declare: Declare) -> None:
    resource = declare({"query/wrong": {"database": "shop", "sql": "SELECT nothing FROM nowhere"}})[
        Address("query", "wrong")
    ]
    made = world.provider.create(resource, world.provider.desired(resource, Context({})))

    job = finished(world, world.provider.run(resource.address, made.remote_id, "key-of-wrong"))

    assert job.status is JobStatus.ERROR
    assert "nowhere" in job.log


def test_an_import_runs_into_its_table(world: World, declare: Declare) -> None:
    documents: dict[str, Mapping[str, object]] = {
        "import/arrivals": {
            "from": {"type": "files", "paths": ["a.csv"]},
            "to": {"database": "shop", "table": "arrivals"},
        }
    }
    address = Address("import", "arrivals")
    resource = declare(documents)[address]
    made = world.provider.create(resource, world.provider.desired(resource, Context({})))

    job = finished(world, world.provider.run(address, made.remote_id, "key-of-arrivals"))
    query = world.api.issue_job("trino", "shop", {"query": "SELECT id FROM arrivals"}, "key-of-count")

    assert job.status is JobStatus.SUCCESS, job.log
    assert finished(world, query).status is JobStatus.SUCCESS
    assert world.api.job_rows(query) == [[1]]
