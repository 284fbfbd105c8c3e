"""Requests of a specification: addresses, queries, headers and bodies, with values where it has placeholders.

Each place has its own way to write a value, so that none of them can become something else: a part of a path stays one segment,
a part of a host a name, and a header one line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit

from reconciler.model.json import Json
from reconciler.sourcespec.findings import Refused
from reconciler.sourcespec.placeholders import filled
from reconciler.sourcespec.specification import Specification

INPUTS: Final = "connection.params"
AUTHENTICATION: Final = "connection.auth.params"

_LABEL: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
_SCHEMES: Final = ("http://", "https://")
_LINE_BREAKS: Final = ("\r", "\n", "\0")
_WHOLE: Final = re.compile(r"\$?\{[^{}]+\}")

Query = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Request:
    """One request. *url* has no query; *query* is decoded, in order; *body* is None for GET."""

    method: str
    url: str
    query: Query
    headers: Mapping[str, str]
    body: Json = None

    @property
    def address(self) -> str:
        """The address with its query."""
        return f"{self.url}?{urlencode(self.query)}" if self.query else self.url


@dataclass(frozen=True, slots=True)
class Values:
    """What placeholders stand for. *authentication* goes first in hosts, *inputs* everywhere else."""

    inputs: Mapping[str, Json] = field(default_factory=dict)
    authentication: Mapping[str, Json] = field(default_factory=dict)


def first_request(
    specification: Specification,
    values: Values,
    *,
    schedule_text: str | None = None,
    schedule_query: Query = (),
    paging_query: Query = (),
    paging_headers: Mapping[str, str] | None = None,
) -> Request:
    """The request for a page.

    schedule_text: what stands for ``{SCHEDULE_QUERY}``. schedule_query: bounds of the window. paging_query, paging_headers: what
    asks for the page. Of names that stand twice in a query, paging goes before the schedule, and that before what is fixed.

    Raises:
        Refused: a value is missing, or cannot stand where it is to.
    """
    reserved = {} if schedule_text is None else {"SCHEDULE_QUERY": schedule_text}
    everywhere = {**values.authentication, **values.inputs}
    url, own_query = _address(specification, values, everywhere, reserved)
    fixed = [
        *own_query,
        *_pairs(specification.query, lambda text, at: filled(text, everywhere, str, at, reserved=reserved)),
    ]
    query = _laid_over(_laid_over(fixed, schedule_query), paging_query)
    headers = {
        name: _header(filled(_as_text(value), everywhere, str, f"headerParams.{name}", reserved=reserved), name)
        for name, value in specification.headers.items()
        if value is not None
    }
    for name, value in (paging_headers or {}).items():
        headers[name] = _header(value, name)
    body = _filled_body(specification.body, everywhere, reserved)
    return Request(specification.method, url, query, headers, body)


def linked_request(before: Request, link: str) -> Request:
    """The request that *link*, absolute or relative to the address before, leads to. Its query takes the place of ours.

    Raises:
        Refused: it is no link.
    """
    address = urlsplit(urljoin(before.address, link))
    if address.scheme not in {"http", "https"} or not address.netloc:
        raise Refused(
            "paginationParams.pointerPath",
            "what the pointer leads to is no link",
            "is it a token for CONTINUATION_TOKEN?",
        )
    url = address._replace(query="", fragment="").geturl()
    return Request(
        before.method, url, tuple(parse_qsl(address.query, keep_blank_values=True)), before.headers, before.body
    )


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of an address: where credentials may go when they were meant for it."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return parts.scheme, (parts.hostname or "").lower(), port


def _address(
    specification: Specification, values: Values, everywhere: Mapping[str, Json], reserved: Mapping[str, str]
) -> tuple[str, Query]:
    text = specification.host or _as_text(everywhere.get("host"))
    if not text:
        raise Refused("urlParams.host", "there is no host", "say it in `urlParams`, or as `host` of the authentication")
    host = _host(text, {**values.inputs, **values.authentication})
    path = filled(
        specification.path,
        everywhere,
        lambda value: quote(value, safe=""),
        "urlParams.path",
        reserved={name: quote(value, safe="") for name, value in reserved.items()},
    )
    path, _, query = path.partition("?")
    base = urlsplit(host)
    joined = f"{base.path.rstrip('/')}/{path.lstrip('/')}"
    url = base._replace(path=joined, query="", fragment="").geturl()
    pairs = [*parse_qsl(base.query, keep_blank_values=True), *parse_qsl(query, keep_blank_values=True)]
    return url, tuple(pairs)


def _host(text: str, values: Mapping[str, Json]) -> str:
    def encode(value: str) -> str:
        # The whole address may be one placeholder, as Zendesk's is.
        if _WHOLE.fullmatch(text.strip()) and value.startswith(_SCHEMES):
            return value
        if not _LABEL.fullmatch(value):
            raise Refused(AUTHENTICATION, f"{value!r} cannot be a part of a host", "letters, digits, `-` and `.` only")
        return value

    host = filled(text, values, encode, "urlParams.host", bare=True).strip()
    if "://" not in host:
        host = f"https://{host}"
    if "@" in host:
        # What stands before it may be a password, so nothing of it is shown.
        raise Refused("urlParams.host", "holds a name or a password", "write https://HOST; a connection says who asks")
    try:
        parts = urlsplit(host)
        is_good = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good:
        raise Refused("urlParams.host", f"{host!r} is not the address of a host", "write https://HOST")
    return host


def _pairs(told: Mapping[str, Json], fill: Callable[[str, str], str]) -> Iterable[tuple[str, str]]:
    for name, value in told.items():
        for one in value if isinstance(value, list | tuple) else [value]:
            if one is not None:
                yield name, fill(_as_text(one), f"urlParams.queryParams.{name}")


def _laid_over(below: Iterable[tuple[str, str]], above: Query) -> Query:
    names = {name for name, _ in above}
    return (*((name, value) for name, value in below if name not in names), *above)


def _filled_body(value: Json, values: Mapping[str, Json], reserved: Mapping[str, str]) -> Json:
    match value:
        case str():
            return filled(value, values, str, "bodyParams", reserved=reserved)
        case Mapping():
            return {name: _filled_body(inner, values, reserved) for name, inner in value.items()}
        case list() | tuple():
            return [_filled_body(inner, values, reserved) for inner in value]
        case _:
            return value


def _header(value: str, name: str) -> str:
    if any(sign in value for sign in _LINE_BREAKS):
        raise Refused(INPUTS, f"the value of header {name!r} has a line break")
    return value


def _as_text(value: Json) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)
