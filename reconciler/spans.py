"""What takes how long, for OpenTelemetry: a span for the command, and below it for each phase, operation and request.

Off unless `begin` was called, and then nothing of OpenTelemetry is loaded. Names and numbers leave, cleaned as the log is; no
body, no parameter and no text of an error does.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from reconciler import logs

Value: TypeAlias = str | int | float | bool

EXPORTER: Final = "OTEL_TRACES_EXPORTER"
PROTOCOL: Final = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
SPOKEN: Final = "http/protobuf"
PROPAGATORS: Final = "OTEL_PROPAGATORS"
CARRIED: Final = "tracecontext"
_NOTHING: Final = nullcontext()


@dataclass(slots=True)
class _Collecting:
    """What sends the spans of this process. *root* is the context of its command, for threads that know no other.

    carries: whether requests tell which span they belong to.
    """

    provider: Any
    tracer: Any
    carries: bool
    root: Any = None


_collecting: _Collecting | None = None


def begin(environ: Mapping[str, str], version: str) -> None:
    """From now on spans are sent, where *environ* asks for it by the variables that OpenTelemetry defines.

    ``OTEL_TRACES_EXPORTER=otlp`` does; where to, how often and under which name is read from the others by its SDK. What
    cannot be done is a warning, for the variables are rarely there for tdr alone.
    """
    global _collecting  # noqa: PLW0603 - of the process, as the variables are
    _collecting = None
    exporter = environ.get(EXPORTER, "").strip().lower()
    if exporter in {"", "none"} or environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return
    if exporter != "otlp":
        _warn("no spans are sent", why=f"{EXPORTER}={exporter} is not known here", hint="set it to otlp, or to none")
        return
    protocol = next((environ[name] for name in PROTOCOL if environ.get(name)), SPOKEN)
    if protocol != SPOKEN:
        _warn(
            "no spans are sent", why=f"the protocol {protocol} is not spoken here", hint=f"set {PROTOCOL[1]}={SPOKEN}"
        )
        return
    try:
        _collecting = _sending(environ, version)
    except ImportError:
        _warn("no spans are sent", why="OpenTelemetry is not installed", hint="pip install 'tdr[otel]'")


def _warn(event: str, **told: str) -> None:
    logs.logger("reconciler.spans").warning(event, **told)


def _sending(environ: Mapping[str, str], version: str) -> _Collecting:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - see above
    from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    is_named = environ.get("OTEL_SERVICE_NAME") or "service.name=" in environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    about = {SERVICE_VERSION: version} | ({} if is_named else {SERVICE_NAME: "tdr"})
    provider = TracerProvider(resource=Resource.create(about), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return _Collecting(provider, provider.get_tracer("reconciler", version), _carries(environ))


def _carries(environ: Mapping[str, str]) -> bool:
    named = {name.strip().lower() for name in (environ.get(PROPAGATORS) or CARRIED).split(",")}
    if not named & {CARRIED, "none"}:
        why = f"{PROPAGATORS}={environ[PROPAGATORS]} has no {CARRIED}"
        _warn("requests do not tell which span they belong to", why=why, hint=f"add {CARRIED}, or set it to none")
    return CARRIED in named and "none" not in named


@contextmanager
def command(name: str, about: Mapping[str, Value]) -> Iterator[None]:
    """The span of the whole command, below the one that ``TRACEPARENT`` of the environment names; sent when it ends."""
    collecting = _collecting
    if collecting is None:
        yield
        return
    try:
        with _opened(collecting, name, _parent(os.environ), about, is_request=False):
            from opentelemetry import context  # noqa: PLC0415 - loaded by now

            collecting.root = context.get_current()
            yield
    finally:
        collecting.root = None
        collecting.provider.shutdown()


def _parent(environ: Mapping[str, str]) -> Any:
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415 - as above

    carrier = {name: environ[name.upper()] for name in ("traceparent", "tracestate") if environ.get(name.upper())}
    return TraceContextTextMapPropagator().extract(carrier)


def are_sent() -> bool:
    """Whether spans are collected here; what only they would need has not to be made otherwise."""
    return _collecting is not None and _collecting.root is not None


def span(
    name: str, about: Mapping[str, Value] = MappingProxyType({}), *, is_request: bool = False
) -> AbstractContextManager[None]:
    """A span for what is done inside, of which *about* tells; `tell` tells more. An error ends it as one, by its kind."""
    collecting = _collecting
    if collecting is None or collecting.root is None:
        return _NOTHING
    return _opened(collecting, name, None, about, is_request=is_request)


@contextmanager
def _opened(
    collecting: _Collecting, name: str, parent: Any, about: Mapping[str, Value], *, is_request: bool
) -> Iterator[None]:
    from opentelemetry import trace  # noqa: PLC0415 - loaded by now

    if parent is None and not trace.get_current_span().get_span_context().is_valid:
        parent = collecting.root
    kind = trace.SpanKind.CLIENT if is_request else trace.SpanKind.INTERNAL
    with collecting.tracer.start_as_current_span(
        name, parent, kind, record_exception=False, set_status_on_exception=False
    ) as opened:
        _set(opened, about)
        try:
            yield
        except BaseException as error:
            opened.set_attribute("error.type", type(error).__name__)
            opened.set_status(trace.StatusCode.ERROR)
            raise


def tell(about: Mapping[str, Value]) -> None:
    """Say more of the span that is open here."""
    if not are_sent():
        return
    from opentelemetry import trace  # noqa: PLC0415 - loaded by now

    _set(trace.get_current_span(), about)


def fail() -> None:
    """Say that what the open span stands for did not come right, where no error tells."""
    if not are_sent():
        return
    from opentelemetry import trace  # noqa: PLC0415 - loaded by now

    trace.get_current_span().set_status(trace.StatusCode.ERROR)


def _set(opened: Any, about: Mapping[str, Value]) -> None:
    for name, value in about.items():
        opened.set_attribute(name, logs.cleaned(value) if isinstance(value, str) else value)


def carried() -> Mapping[str, str]:
    """The header by which whoever answers a request knows the span it belongs to; {} where no span is open.

    It is made of random numbers. `tracestate` may say what others wrote into it, so it stays here: those who are asked are
    vendors and other third parties. Source: W3C Trace Context, on privacy and security.
    """
    if _collecting is None or not _collecting.carries or not are_sent():
        return {}
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415 - as above

    headers: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(headers)
    return {name: value for name, value in headers.items() if name == "traceparent"}
