"""What options are when neither the command line nor the environment says it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from reconciler.model.spec import Spec


class DefaultsSpec(Spec):
    """`defaults` of `tdr.yaml`: options by their names, with ``_`` for ``-``.

    Only how a command works. What it is to do, where, and that somebody agrees to it are said on the line itself.
    """

    dashboard: str | None = None
    """Where `tdr serve` has its dashboard, such as 127.0.0.1:8080, or off."""
    detailed_exitcode: bool | None = None
    """Whether `tdr plan` ends with 2 when there are changes."""
    dialect: Literal["documented", "classic"] | None = None
    """How `tdr schedule explain` reads cron texts."""
    expires: str | None = None
    """How long a saved plan may be applied, such as 72h."""
    fail_fast: bool | None = None
    """Whether nothing new is begun after the first failure."""
    format: str | None = None
    """How results are printed, by the commands that know that format; by the others as text."""
    limit: Annotated[int, Field(ge=1)] | None = None
    """How many runs `tdr history` shows."""
    lock_timeout: str | None = None
    """How long to wait for another writer, such as 5m."""
    log_format: Literal["text", "json"] | None = None
    """How lines of the log are written."""
    max_chars: Annotated[int, Field(ge=1)] | None = None
    """How long pages of Markdown may be."""
    no_color: bool | None = None
    """Whether colours are left out."""
    no_settle: bool | None = None
    """Whether `tdr apply` does not look again at what it changed."""
    parallelism: Annotated[int, Field(ge=1, le=64)] | None = None
    """How many changes at a time."""
    port: Annotated[int, Field(ge=0, le=65535)] | None = None
    """Port of `tdr serve` and `tdr sandbox`."""
    quiet: bool | None = None
    """Whether only results and errors are printed."""
    rows: Annotated[int, Field(ge=0)] | None = None
    """How many rows of a query are shown."""
    sample_every: str | None = None
    """How often `tdr serve` keeps sizes of audiences and what has drifted, such as 15m."""
    timeout: str | None = None
    """How long a command may take, such as 20m."""
    timezone: str | None = None
    """Zone of `tdr schedule explain`."""
    verbose: bool | None = None
    """Whether to show what stays as it is, too."""

    def given(self) -> dict[str, str]:
        """Name of the option -> its value as on a command line, of those that are written."""
        return {
            name.replace("_", "-"): str(value).lower() if isinstance(value, bool) else str(value)
            for name in type(self).model_fields
            if (value := getattr(self, name)) is not None
        }
