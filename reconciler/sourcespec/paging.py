"""Which page is next, and whether there is one.

Every page's rows are taken before anything ends the walk, and a walk that does not get on fails: a quiet end would look like
all of the data. Where Adobe is silent, what is chosen loses nothing, at the price of one more request.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from reconciler.model.json import Json
from reconciler.sourcespec.addresses import Query
from reconciler.sourcespec.paths import MISSING, Missing
from reconciler.sourcespec.rows import Row
from reconciler.sourcespec.specification import (
    EndCondition,
    Offset,
    Pages,
    Pointer,
    Single,
    Specification,
    Token,
)

_EMPTY_IN_A_ROW: Final = 3
"""Pages without rows, each with a new token, after which nobody expects more."""


class PagingError(Exception):
    """The pages do not get on, or end before they are done. The text is for people, without values of rows."""


@dataclass(frozen=True, slots=True)
class Page:
    """An answer.

    elements: how many rows it has before any are taken apart. document: None where the answer had no content. headers: by
    lower-case name. digest: of the body, to know an equal one, where `Walk.compares_pages`. rows: shaped, for their keys.
    """

    elements: int
    document: Json
    headers: Mapping[str, str]
    digest: bytes
    rows: list[Row] = field(default_factory=list)
    has_content: bool = True


@dataclass(frozen=True, slots=True)
class Ask:
    """The next page, by parameters."""

    query: Query = ()
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Follow:
    """The next page, by a link."""

    link: str


@dataclass(frozen=True, slots=True)
class Done:
    """There is no next page."""


Next: TypeAlias = Ask | Follow | Done


class Walk:
    """The pages of one run. *notices* are for the log."""

    def __init__(self, specification: Specification) -> None:
        """Begin before the first page."""
        self._specification = specification
        self._paging = specification.paging
        self._requests = 0
        self._taken = 0
        self._position = specification.paging.kind.first if isinstance(specification.paging.kind, Pages) else 0
        self._last_digest: bytes | None = None
        self._last_keys: frozenset[object] = frozenset()
        self._seen: set[str] = set()
        self._empty = 0
        self.notices: list[str] = []

    def first(self) -> Ask:
        """The first page."""
        self._requests = 1
        match self._paging.kind:
            case Offset(limit_name=name, limit=limit, offset_name=offset):
                return Ask(((name, str(limit)), (offset, "0")))
            case Pages(limit_name=name, limit=limit, name=page, first=first):
                return Ask(((name, str(limit)), (page, str(first))))
            case Pointer(limit_name=name, limit=limit):
                return Ask(((name, str(limit)),))
            case Token() | Single():
                return Ask()

    def after(self, page: Page) -> Next:
        """What comes after *page*.

        Raises:
            PagingError: nothing gets on, the pages end too early, or there are too many.
        """
        self._taken += page.elements
        found = self._next(page)
        if isinstance(found, Done):
            self._hold_total(page)
            return found
        if self._requests >= self._paging.requests_at_most:
            raise PagingError(
                f"maximumRequest reached while more data is expected: {self._requests} requests, {self._taken} rows"
            )
        self._requests += 1
        self._last_digest = page.digest if page.elements else None
        self._last_keys = self._keys(page)
        return found

    @property
    def compares_pages(self) -> bool:
        """Whether a page is looked at beside the one before it, so that `Page.digest` is needed."""
        return isinstance(self._paging.kind, Offset | Pages)

    def sure(self, told: str) -> Ask | Follow | None:
        """What `after` will answer to a page with *told* as its token or link, whatever its rows are; None where they decide."""
        if self._paging.end is not None or self._requests >= self._paging.requests_at_most or told in self._seen:
            return None
        match self._paging.kind:
            case Token() as kind if self._empty + 1 < _EMPTY_IN_A_ROW:
                return _by_token(kind, told)
            case Pointer():
                return Follow(told)
            case _:
                return None

    def _next(self, page: Page) -> Next:
        is_last = self._paging.end is not None and is_met(self._paging.end, page)
        if not page.has_content or is_last:
            return Done()
        match self._paging.kind:
            case Offset():
                return self._after_offset(page, self._paging.kind)
            case Pages():
                return self._after_page(page, self._paging.kind)
            case Pointer():
                return self._after_pointer(page, self._paging.kind)
            case Token():
                return self._after_token(page, self._paging.kind)
            case Single():
                return Done()

    def _after_offset(self, page: Page, kind: Offset) -> Next:
        if not page.elements:
            return Done()
        self._hold_progress(page)
        if self._position and self._short:
            self._notice(f"the server limits pages to {self._short} rows, below the {kind.limit} that were asked for")
        self._short = page.elements if page.elements < kind.limit else 0
        # By what came, not by what was asked for: a server that gives less would have its other rows skipped.
        self._position += page.elements
        return Ask(((kind.limit_name, str(kind.limit)), (kind.offset_name, str(self._position))))

    _short = 0

    def _after_page(self, page: Page, kind: Pages) -> Next:
        last = self._last_page(page, kind)
        if last is not None and self._position >= last:
            return Done()
        if not page.elements and last is None:
            return Done()
        self._hold_progress(page)
        self._position += 1
        return Ask(((kind.limit_name, str(kind.limit)), (kind.name, str(self._position))))

    def _last_page(self, page: Page, kind: Pages) -> int | None:
        if not isinstance(kind.last, str):
            return kind.last
        told = page.headers.get(kind.last.lower())
        if told is None or not told.strip().isdecimal():
            what = "is missing" if told is None else "is not a number"
            self._notice(f"header {kind.last!r}, which tells the number of pages, {what}: an empty page ends the walk")
            return None
        return kind.first + int(told) - 1

    def _after_pointer(self, page: Page, kind: Pointer) -> Next:
        link = kind.path.of(page.document)
        if _is_nothing(link):
            if self._paging.end is not None:
                self._hold_total(page)
                raise PagingError(
                    f"no next link, and the end condition is not met either: the answer is cut off after {self._taken} rows"
                )
            return Done()
        if not isinstance(link, str):
            raise PagingError(f"what {kind.path.text} leads to is no link, but {type(link).__name__}")
        if link in self._seen:
            if not page.elements or self._is_nothing_new(page):
                return Done()
            raise PagingError("pagination loop: the next link was followed before")
        self._seen.add(link)
        return Follow(link)

    def _after_token(self, page: Page, kind: Token) -> Next:
        token = page.headers.get(kind.header.lower()) if kind.path is None else kind.path.of(page.document)
        if _is_nothing(token):
            return Done()
        if isinstance(token, dict | list | bool):
            raise PagingError(f"the token for the next page is no text or number, but {type(token).__name__}")
        text = str(token)
        if text in self._seen:
            if not page.elements or self._is_nothing_new(page):
                return Done()
            raise PagingError(f"pagination loop: the token {_shown(text)} came before")
        self._empty = 0 if page.elements else self._empty + 1
        if self._empty >= _EMPTY_IN_A_ROW:
            self._notice(f"{self._empty} pages without rows, each with a new token, are taken for the end")
            return Done()
        self._seen.add(text)
        return _by_token(kind, text)

    def _hold_progress(self, page: Page) -> None:
        if page.elements and page.digest == self._last_digest:
            raise PagingError("pagination is not advancing: the page is equal to the one before")

    def _is_nothing_new(self, page: Page) -> bool:
        """Whether all rows of a page were on the one before: then a link that comes again is a filter with its border in it."""
        keys = self._keys(page)
        if not keys or not keys <= self._last_keys:
            return False
        self._notice("the last page has only rows that were on the one before; it ends the walk")
        return True

    def _keys(self, page: Page) -> frozenset[object]:
        key = self._specification.extensions.key
        if not key:
            return frozenset()
        return frozenset(tuple(str(path.of(row)) for path in key) for row in page.rows)

    def _hold_total(self, page: Page) -> None:
        path = self._specification.extensions.total
        total = MISSING if path is None else path.of(page.document)
        if isinstance(total, int) and not isinstance(total, bool) and self._taken < total:
            raise PagingError(f"the answers are cut off: {self._taken} of {total} rows, no next link")

    def _notice(self, text: str) -> None:
        if text not in self.notices:
            self.notices.append(text)


def is_met(condition: EndCondition, page: Page) -> bool:
    """Whether *page* is the last one."""
    value = _value(condition, page)
    match condition.kind:
        case "exist":
            return not isinstance(value, Missing)
        case "nonexist":
            return isinstance(value, Missing)
        case "empty":
            return _is_nothing(value) or value in ([], {})
        case "nonempty":
            return not _is_nothing(value) and value not in ([], {})
        case "const":
            return not isinstance(value, Missing) and _rendered(value).lower() == condition.value.lower()


def _by_token(kind: Token, token: str) -> Ask:
    if kind.place == "header":
        return Ask(headers={kind.name: token})
    return Ask(((kind.name, token),))


def _value(condition: EndCondition, page: Page) -> Json | Missing:
    if condition.path is None:
        return page.headers.get(condition.header.lower(), MISSING)
    return condition.path.of(page.document)


def _rendered(value: Json) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return str(value)
        case _:
            return str(value)


def _is_nothing(value: Json | Missing) -> bool:
    return isinstance(value, Missing) or value is None or value == ""


def _shown(token: str) -> str:
    """A cursor, so far as a person needs it to know it again."""
    return repr(token if len(token) <= 40 else token[:37] + "…")
