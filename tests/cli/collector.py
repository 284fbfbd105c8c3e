"""A collector of OpenTelemetry, which takes spans over HTTP as its protocol says and keeps them; and a vendor that refuses."""

from __future__ import annotations

import gzip
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from http_server import Handler, serving
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass
class Collector:
    """*status* is what it answers, *slow_s* how long it takes to."""

    address: str
    status: int = 200
    slow_s: float = 0.0
    received: list[ExportTraceServiceRequest] = field(default_factory=list)

    @property
    def spans(self) -> list[Any]:
        """All spans, as the protocol has them."""
        return [
            span
            for request in self.received
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    @property
    def resource(self) -> dict[str, str]:
        """Who sent them."""
        return {one.key: one.value.string_value for one in self.received[0].resource_spans[0].resource.attributes}

    def named(self, name: str) -> list[Any]:
        """Spans of that name."""
        return [span for span in self.spans if span.name == name]

    def the(self, name: str) -> Any:
        """The only span of that name."""
        (only,) = self.named(name)
        return only

    def under(self, span: Any) -> list[Any]:
        """Spans right below *span*."""
        return [one for one in self.spans if one.parent_span_id == span.span_id]


def attributes(span: Any) -> dict[str, Any]:
    """What a span says of itself."""
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in span.attributes}


@dataclass
class Refusing:
    """A vendor that refuses everybody. *headers*: of each request, their names in lower case."""

    address: str
    headers: list[dict[str, str]] = field(default_factory=list)


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector on this machine."""

    class Asked(Handler):
        def asked(self) -> None:
            body = self.body()
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            time.sleep(collector.slow_s)
            collector.received.append(ExportTraceServiceRequest.FromString(body))
            self.answer(collector.status)

    with serving(Asked) as address:
        collector = Collector(address)
        yield collector


@contextmanager
def refusing() -> Iterator[Refusing]:
    """Such a vendor on this machine."""

    class Asked(Handler):
        def asked(self) -> None:
            vendor.headers.append({name.lower(): value for name, value in self.headers.items()})
            self.answer(403)

    with serving(Asked) as address:
        vendor = Refusing(address)
        yield vendor
