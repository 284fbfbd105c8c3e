"""What Salesforce's documentation leaves open, what an administrator may set, or what a test wants otherwise."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Knobs(BaseModel):
    """How this org behaves.

    polls: how many looks at a job or batch find it at work still. 0 ends it as soon as it starts.
    session_s: how long a session lives without use.
    rotate: whether the grant of a refresh token puts a new one in its place.
    soap_login: whether the org lets anybody in by SOAP; off by default in orgs since Winter '26.
    token_needed: whether a password needs the security token behind it (the address is not trusted).
    hard_delete: whether the user has "Bulk API Hard Delete"; tells_permissions: whether the org answers who asks that.
    daily_calls: API calls in 24 hours; daily_batches: batches of both bulk APIs.
    page_rows: rows of a page of REST queries; result_rows: the most of a file of results of query jobs, whatever is asked for.
    batch_rows, batch_bytes: the most that a batch of Bulk API 1.0 takes.
    upload_bytes: the most that a job of Bulk API 2.0 takes, counted as base64; multipart_characters: of rows that come along
    with the job. What is said of more is not written down anywhere.
    field_characters, record_characters, record_fields: the most of a row; older guides say 32,000 for a field. That more
    fails the batch or job as a whole, as in Salesforce's own reader of CSV, is not certain.
    shuffle: whether results of Bulk API 2.0 come in another order than the rows were sent.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    polls: int = Field(default=1, ge=0)
    session_s: float = Field(default=7_200, gt=0)
    rotate: bool = False
    soap_login: bool = True
    token_needed: bool = True
    hard_delete: bool = False
    tells_permissions: bool = True
    daily_calls: int = Field(default=15_000, ge=0)
    daily_batches: int = Field(default=15_000, ge=0)
    page_rows: int = Field(default=2_000, ge=1)
    result_rows: int = Field(default=1_000_000, ge=1)
    batch_rows: int = Field(default=10_000, ge=1)
    batch_bytes: int = Field(default=10_000_000, ge=1)
    upload_bytes: int = Field(default=150_000_000, ge=1)
    multipart_characters: int = Field(default=100_000, ge=1)
    field_characters: int = Field(default=131_072, ge=1)
    record_characters: int = Field(default=400_000, ge=1)
    record_fields: int = Field(default=5_000, ge=1)
    shuffle: bool = True
