"""What a definition says, in canonical form, and everything that is wrong with it, in one pass."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from reconciler.model.exports import SECRET_SETTING
from reconciler.model.json import Json
from reconciler.sourcespec import dates, placeholders
from reconciler.sourcespec.definition import Definition, Reader
from reconciler.sourcespec.extensions import read_extensions
from reconciler.sourcespec.findings import Finding, Refused
from reconciler.sourcespec.paging_params import read_paging
from reconciler.sourcespec.specification import AdvancedWindow, BasicWindow, Content, Specification

_DEFAULT_FORMAT: Final = "yyyy-MM-ddTHH:mm:ssK"
"""Where a specification names no format; nothing is documented, this is what most published ones say."""
_PARTS: Final = frozenset(
    {
        "urlParams", "headerParams", "bodyParams", "contentPath", "explodeEntityPath", "paginationParams", "scheduleParams",
        "uiAttributes", "schema", "spec",
    }
)  # fmt: skip
_METHODS: Final = frozenset({"GET", "POST"})


@dataclass(frozen=True, slots=True)
class Checked:
    """*specification* is None where a finding is an error."""

    specification: Specification | None
    findings: tuple[Finding, ...]


def check(
    source_spec: Mapping[str, Json],
    params: Mapping[str, Json] | None = None,
    declared: Collection[str] = (),
) -> Checked:
    """Read a `sourceSpec`.

    params: what a user puts in, for the template form, whose definition is among it.
    declared: names that authentication knows, for placeholders.
    """
    definition = Definition.of(source_spec, params or {})
    reader = Reader(definition.root)
    specification = _specification(definition, reader, frozenset(declared))
    findings = (*definition.findings, *reader.findings)
    has_errors = any(finding.severity == "error" for finding in findings)
    return Checked(None if has_errors else specification, findings)


def _specification(definition: Definition, reader: Reader, declared: frozenset[str]) -> Specification | None:
    parts = definition.parts
    for name in parts:
        if name not in _PARTS:
            reader.warn(name, f"`{name}` is not a member that is known here, and has no effect")
    url = reader.object(parts, "urlParams", required=True)
    host = reader.text(url, "urlParams.host")
    path = reader.text(url, "urlParams.path", required=True)
    method = reader.text(url, "urlParams.method", required=True).upper()
    if method and method not in _METHODS:
        reader.refuse("urlParams.method", f"{method!r} is not GET or POST")
    query = reader.object(url, "urlParams.queryParams")
    headers = reader.object(parts, "headerParams")
    body = parts.get("bodyParams")
    if body is not None and method == "GET":
        reader.warn("bodyParams", "a body has an effect with POST only")
    content = _content(reader, parts, "contentPath", required=True)
    explode = _content(reader, parts, "explodeEntityPath", required=False)
    paging = read_paging(reader, reader.object(parts, "paginationParams", required=True))
    window = _window(reader, parts.get("scheduleParams"))
    extensions = read_extensions(reader, definition.extensions)
    _check_wrapper(reader, content, explode)
    _check_names(reader, definition, declared, host=host, path=path, query=query, headers=headers, body=body)
    _check_clear_text(reader, headers, query)
    _check_schedule_query(reader, window, path=path, query=query, headers=headers, body=body)
    if content is None or paging is None or method not in _METHODS:
        return None
    return Specification(
        host=host,
        path=path,
        method="POST" if method == "POST" else "GET",
        query=query,
        headers=headers,
        body=body if method == "POST" else None,
        content=content,
        explode=explode,
        paging=paging,
        window=window,
        inputs=definition.inputs,
        page_schema=definition.page_schema,
        extensions=extensions,
    )


def _content(reader: Reader, parts: Mapping[str, Json], name: str, *, required: bool) -> Content | None:
    told = parts.get(name)
    if isinstance(told, str):
        reader.warn(name, "a text is the form of the first version", f'write {{"path": {told!r}}}')
        told = {"path": told}
    if told is None:
        if required:
            reader.refuse(name, f"`{name}` is missing", "say where the rows are, such as $.items")
        return None
    if not isinstance(told, Mapping):
        reader.refuse(name, f"`{name}` must be an object with a `path`")
        return None
    path = reader.path(told, f"{name}.path", required=True)
    if path is not None and any(isinstance(step, int) for step in path.steps[-1:]):
        reader.refuse(f"{name}.path", "must lead to a member, not to a place in a list")
    skip, keep = reader.names(told, f"{name}.skipAttributes"), reader.names(told, f"{name}.keepAttributes")
    if both := sorted(skip & keep):
        reader.refuse(name, f"{both[0]!r} is to be skipped and to be kept")
    wrapper = reader.text(told, f"{name}.overrideWrapperAttribute")
    if wrapper and wrapper in keep - skip:
        reader.refuse(
            f"{name}.overrideWrapperAttribute", f"the rows would be called {wrapper!r}, which is kept beside them"
        )
    return None if path is None else Content(path, skip, keep, wrapper)


def _check_wrapper(reader: Reader, content: Content | None, explode: Content | None) -> None:
    if content is None or explode is None or not content.wrapper or not content.path.steps:
        return
    old, path = content.path.steps, explode.path.steps
    if path[: len(old)] == old and old[-1] != content.wrapper:
        named = Content(type(content.path)((*old[:-1], content.wrapper, *path[len(old) :]))).path.text
        reader.refuse(
            "explodeEntityPath.path",
            f"the rows are called {content.wrapper!r} by then, so nothing is at {explode.path.text}",
            f"write {named}",
        )


def _window(reader: Reader, told: Json) -> BasicWindow | AdvancedWindow | None:
    if told is None or told == {}:
        return None
    if not isinstance(told, Mapping):
        reader.refuse("scheduleParams", "must be an object")
        return None
    kind = reader.text(told, "scheduleParams.type")
    if kind and kind.upper() != "ADVANCE":
        reader.refuse("scheduleParams.type", f"{kind!r} is not ADVANCE, and there is no other type")
        return None
    if kind:
        return _advanced(reader, told)
    start = reader.text(told, "scheduleParams.scheduleStartParamName", required=True)
    end = reader.text(told, "scheduleParams.scheduleEndParamName", required=True)
    formats = [
        _format(reader, told, f"scheduleParams.{name}", _DEFAULT_FORMAT)
        for name in ("scheduleStartParamFormat", "scheduleEndParamFormat")
    ]
    return BasicWindow(start, end, *formats)


def _advanced(reader: Reader, told: Mapping[str, Json]) -> AdvancedWindow:
    format_ = _format(reader, told, "scheduleParams.paramFormat", "")
    incremental = reader.text(told, "scheduleParams.incremental", required=True)
    backfill = reader.text(told, "scheduleParams.backfill", required=True)
    after, before = "> {START_TIME}", "< {END_TIME}"
    if after in incremental and before in incremental:
        reader.warn(
            "scheduleParams.incremental",
            "both ends are open: a row stamped exactly at the border of two windows is in neither",
            "write >= for the start; with `x-tdr: {key: […]}` a run begins one unit of the format earlier and merges by it",
        )
    return AdvancedWindow(format_, incremental, backfill)


def _format(reader: Reader, told: Mapping[str, Json], at: str, default: str) -> str:
    text = reader.text(told, at, required=not default)
    if not text:
        return default
    try:
        dates.check(text)
    except ValueError as error:
        reader.refuse(at, str(error))
    return text


def _texts(at: str, value: Json) -> list[tuple[str, str]]:
    """All texts in *value* with their places."""
    match value:
        case str():
            return [(at, value)]
        case Mapping():
            return [pair for name, inner in value.items() for pair in _texts(f"{at}.{name}", inner)]
        case list() | tuple():
            return [pair for inner in value for pair in _texts(at, inner)]
        case _:
            return []


def _check_names(
    reader: Reader,
    definition: Definition,
    declared: frozenset[str],
    *,
    host: str,
    path: str,
    query: Json,
    headers: Json,
    body: Json,
) -> None:
    known = definition.declared
    places = [
        ("urlParams.host", host),
        ("urlParams.path", path),
        *_texts("urlParams.queryParams", query),
        *_texts("headerParams", headers),
        *_texts("bodyParams", body),
    ]
    used: set[str] = set()
    for at, text in places:
        try:
            placeholders.refuse_expressions(text, at)
        except Refused as refused:
            reader.refuse(at, refused.finding.message, refused.finding.hint)
            continue
        for name in placeholders.names_in(text):
            used.add(name)
            if name not in known | declared:
                reader.refuse(
                    at, f"${{{name}}} is declared neither in `spec.properties` nor by an authentication", "declare it"
                )
        if at == "urlParams.host":
            # Those in braces alone belong to the authentication, which a specification need not know.
            used |= set(placeholders.names_in(text, bare=True))
    if not definition.is_template:
        for name in sorted(known - used):
            reader.warn_at(f"spec.properties.{name}", f"`{name}` is declared and used nowhere")


def _check_clear_text(reader: Reader, headers: Mapping[str, Json], query: Mapping[str, Json]) -> None:
    """A specification is no place for a secret: it lies in git, and whoever runs it tells it to others."""
    for at, members in (("headerParams", headers), ("urlParams.queryParams", query)):
        for name, value in members.items():
            is_secret = name.lower() == "authorization" or SECRET_SETTING.search(name.replace("-", "_"))
            if is_secret and isinstance(value, str) and value and "${" not in value:
                reader.warn(
                    f"{at}.{name}",
                    f"{name!r} stands there in clear text",
                    "let an authentication of type KeyBased carry it, or write ${name} and give it among the `params`",
                )


def _check_schedule_query(
    reader: Reader,
    window: BasicWindow | AdvancedWindow | None,
    *,
    path: str,
    query: Json,
    headers: Json,
    body: Json,
) -> None:
    places = [
        ("urlParams.path", path),
        *_texts("urlParams.queryParams", query),
        *_texts("headerParams", headers),
        *_texts("bodyParams", body),
    ]
    asking = [at for at, text in places if placeholders.SCHEDULE_QUERY in placeholders.reserved_in(text)]
    if isinstance(window, AdvancedWindow) and not asking:
        reader.refuse(
            "scheduleParams",
            "{SCHEDULE_QUERY} stands nowhere, so the window has no effect",
            "put it into `queryParams`",
        )
    if not isinstance(window, AdvancedWindow):
        for at in asking:
            reader.refuse(at, "{SCHEDULE_QUERY} has a meaning with `scheduleParams: {type: ADVANCE, …}` only")
