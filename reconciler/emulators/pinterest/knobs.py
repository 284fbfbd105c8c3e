"""What Pinterest's documentation leaves open, or what a test wants otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Knobs(BaseModel):
    """How this Pinterest behaves. The defaults are what the documentation and recorded replies suggest.

    small_list: an audience on a list that matched fewer than *minimum_matched* people.
    removed_audiences: what is left of an audience after ``REMOVE``.
    repointing: a PATCH that changes ``rule.customer_list_id``.
    empty_records: a ``records`` without any value.
    invalid_records: values in ``records`` that are neither a lower-case hex digest nor a plain lower-case e-mail
        address.
    refresh: whether a refresh gives a new refresh token, and what becomes of the old one.
    members: ``keep`` holds digests; ``count`` only counts records, for benchmarks. For lists created from now on.
    match_ratio: the part (0 to 1) of distinct valid members that have a Pinterest account.
    processing_s: from the last accepted write to READY or TOO_SMALL; the vendor takes a day.
    report_s, report_fate: seconds until an asynchronous report is ready, and the status that it ends with.
    trailing_bookmark: a full last page has a bookmark, and the page behind it is empty.
    rate_tier: ``off`` sends the headers of ``standard`` and limits nothing.
    rate_limits: calls a window for a category such as ``ads_write``, in place of the tier's.
    journal_bodies: keep request bodies in the traffic, with records replaced by their count.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    small_list: Literal["accept", "refuse"] = "accept"
    removed_audiences: Literal["hidden", "archived"] = "hidden"
    repointing: Literal["accept", "refuse"] = "accept"
    empty_records: Literal["refuse", "accept"] = "refuse"
    invalid_records: Literal["ignore", "exceptions", "refuse"] = "ignore"
    refresh: Literal["old_survives", "old_dies", "no_rotation"] = "old_survives"
    members: Literal["keep", "count"] = "keep"
    match_ratio: float = Field(default=0.6, ge=0, le=1)
    minimum_matched: int = Field(default=100, ge=0)
    processing_s: float = Field(default=86_400, ge=0)
    report_s: float = Field(default=30, ge=0)
    report_fate: Literal["FINISHED", "FAILED", "CANCELLED", "EXPIRED"] = "FINISHED"
    name_limit: int = Field(default=255, ge=1)
    body_limit_bytes: int = Field(default=10_000_000, ge=1)
    trailing_bookmark: bool = False
    rate_tier: Literal["standard", "trial", "off"] = "standard"
    rate_limits: Mapping[str, int] = Field(default_factory=dict)
    journal_bodies: bool = False
