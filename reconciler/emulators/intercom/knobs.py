"""What Intercom's documentation leaves open, or what a test wants otherwise."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Knobs(BaseModel):
    """How this Intercom behaves. The defaults are what the description and recorded answers suggest.

    timezone: the workspace's, in whose days contacts are filtered.
    date_filters: how contacts are filtered by date; ``version`` is by day up to 2.16, and by second from Preview on.
    greater_in_conversations: whether ``>`` on a date takes the second itself, too.
    index_delay_s: how long search misses what was created or changed.
    default_version: that of the app, for requests that name none.
    calls_per_window: calls in ten seconds; 0 sends the headers and limits nothing.
    scroll_end: what comes after the last page of a scroll.
    empty_pages: whether lists are cut into pages before filters apply, so that pages with a cursor may be empty.
    end_cursor: what ``pages.next`` is on the last page; ``empty`` is an object with an empty cursor.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    timezone: str = "America/Los_Angeles"
    date_filters: Literal["version", "day", "second"] = "version"
    greater_in_conversations: Literal["inclusive", "strict"] = "strict"
    index_delay_s: float = Field(default=0, ge=0)
    default_version: str = "2.16"
    calls_per_window: int = Field(default=1666, ge=0)
    scroll_end: Literal["empty", "not_found"] = "empty"
    empty_pages: bool = False
    end_cursor: Literal["null", "absent", "no_pages", "empty"] = "null"
