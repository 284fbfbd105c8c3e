"""Spans for OpenTelemetry: what a real exporter sends to a collector of this test."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
from collector import Collector, attributes, collecting, refusing
from stage import Stage, ended

ERROR = 2
CLIENT = 3
TRACE, ABOVE = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
WITHOUT_IT = "import sys; sys.modules['opentelemetry'] = None; from reconciler.cli.main import run; run()"


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


@pytest.fixture
def traced(project: Stage, collector: Collector) -> Stage:
    """The project, in an environment that asks for spans."""
    project.environ |= {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_ENDPOINT": collector.address}
    return project


def test_an_apply_is_a_tree_of_phases_operations_and_requests(traced: Stage, collector: Collector) -> None:
    traced.process("apply", "--yes", "--format", "json", TRACEPARENT=f"00-{TRACE}-{ABOVE}-01")

    root = collector.the("tdr apply")
    (run,) = traced.tdr("history", "--format", "json", OTEL_TRACES_EXPORTER="none").document["runs"]
    assert root.parent_span_id.hex() == ABOVE
    assert {span.trace_id.hex() for span in collector.spans} == {TRACE}
    assert attributes(root) == {
        "tdr.run_id": run["run"],
        "tdr.project": "shop",
        "tdr.environment": "local",
        "process.exit.code": 0,
    }
    assert {span.name for span in collector.under(root)} >= {"load", "lock", "plan", "apply", "look again"}
    database, *_ = [one for one in collector.named("create") if attributes(one)["tdr.address"] == "database/shop"]
    assert database.parent_span_id == collector.the("apply").span_id
    assert len(attributes(database)["tdr.op"]) == 12
    requests = collector.under(database)
    assert "POST" in {one.name for one in requests}
    assert all(one.kind == CLIENT and attributes(one)["http.response.status_code"] for one in requests)
    assert all("?" not in attributes(one)["tdr.call"] for one in requests)
    assert collector.resource["service.name"] == "tdr"


def test_reads_side_by_side_belong_to_the_plan(traced: Stage, collector: Collector) -> None:
    traced.process("apply", "--yes")
    collector.received.clear()

    traced.process("plan")

    known = {span.span_id for span in collector.spans}
    root = collector.the("tdr plan")
    assert all(span.parent_span_id in known for span in collector.spans if span is not root)
    assert collector.named("GET")


def asked(stage: Stage, **environ: str) -> list[dict[str, str]]:
    """Headers of the requests of a plan at a vendor that refuses them."""
    with refusing() as vendor:
        away = f"treasure_data: {{endpoint: '{vendor.address}', api_key: '${{secret:env:TD_API_KEY}}'}}\n"
        stage.write("manifests/environments/away.yaml", away)
        key = "1234/0123456789abcdef0123456789abcdef01234567"
        stage.process("plan", "--env", "away", expect=None, TD_API_KEY=key, **environ)
        assert vendor.headers
        return vendor.headers


def test_whoever_answers_is_told_which_span_it_belongs_to(traced: Stage, collector: Collector) -> None:
    told = {one["traceparent"].split("-")[2] for one in asked(traced)}

    assert told <= {span.span_id.hex() for span in collector.named("GET")}


def test_nobody_who_is_asked_is_told_more_than_the_numbers_of_a_trace(traced: Stage) -> None:
    above = {"TRACEPARENT": f"00-{TRACE}-{ABOVE}-01", "TRACESTATE": "acme=build-of-jane", "BAGGAGE": "user=jane"}

    heard = asked(traced, **above)

    assert {one["traceparent"].split("-")[1] for one in heard} == {TRACE}
    assert "jane" not in str(heard)


@pytest.mark.parametrize(("propagators", "warnings"), [("none", 0), ("b3", 1), ("b3,baggage", 1)])
def test_who_wants_no_header_gets_the_spans_alone(
    traced: Stage, collector: Collector, propagators: str, warnings: int
) -> None:
    assert not any("traceparent" in one for one in asked(traced, OTEL_PROPAGATORS=propagators))
    assert collector.named("GET")

    assert traced.heard[-1].count("has no tracecontext") == warnings


@pytest.mark.parametrize("propagators", ["tracecontext,baggage", "baggage, TraceContext", "b3,tracecontext", ""])
def test_who_names_the_header_among_others_has_it(traced: Stage, propagators: str) -> None:
    assert all("traceparent" in one for one in asked(traced, OTEL_PROPAGATORS=propagators))
    assert "has no tracecontext" not in traced.heard[-1]


def test_what_fails_is_told_by_its_kind_without_its_text(traced: Stage, collector: Collector) -> None:
    traced.write("manifests/wrong.yaml", "apiVersion: tdr/v1\nkind: Query\nmetadata: {name: jane.doe@example.com}\n")

    traced.process("plan", expect=7)

    root = collector.the("tdr plan")
    assert root.status.code == ERROR
    assert attributes(root)["error.type"] == "ManifestError"
    assert b"jane.doe" not in b"".join(request.SerializeToString() for request in collector.received)
    assert not root.events


def test_nothing_is_sent_unless_it_is_asked_for(project: Stage, collector: Collector) -> None:
    project.process("plan", OTEL_EXPORTER_OTLP_ENDPOINT=collector.address)
    project.process(
        "plan",
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.address,
        OTEL_TRACES_EXPORTER="otlp",
        OTEL_SDK_DISABLED="true",
    )

    assert collector.received == []


@pytest.mark.parametrize(
    ("variables", "why"),
    [
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, "OTEL_TRACES_EXPORTER=zipkin"),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "the protocol grpc is not spoken"),
        ({"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/json"}, "the protocol http/json"),
    ],
)
def test_what_is_not_spoken_is_a_warning(
    traced: Stage, collector: Collector, variables: dict[str, str], why: str
) -> None:
    said = traced.process("plan", **variables)

    assert "no spans are sent" in said.err
    assert why in said.err
    assert collector.received == []


def test_without_the_extra_a_warning_names_it(traced: Stage) -> None:
    process = traced.start([sys.executable, "-c", WITHOUT_IT, "plan"])
    out, err = ended(process)

    assert process.returncode == 0
    assert "to create" in out
    assert "pip install 'tdr[otel]'" in err


@pytest.mark.parametrize("status", [400, 401, 503])
def test_a_collector_that_refuses_changes_nothing_else(traced: Stage, collector: Collector, status: int) -> None:
    collector.status = status

    said = traced.process("plan", "--format", "json", OTEL_EXPORTER_OTLP_TIMEOUT="1")

    assert said.document["format"] == "tdr.plan"
    assert "a library says" in said.err


def test_a_collector_that_is_not_there_changes_nothing_else(traced: Stage) -> None:
    said = traced.process(
        "plan", "--format", "json", OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9", OTEL_EXPORTER_OTLP_TIMEOUT="1"
    )

    assert said.document["format"] == "tdr.plan"


def test_nothing_of_it_is_loaded_where_it_is_not_asked_for(project: Stage) -> None:
    script = "import sys; from reconciler.cli.main import main; main(['plan']); print('opentelemetry' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=project.folder,
        env=project.environ,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.splitlines()[-1] == "False"
