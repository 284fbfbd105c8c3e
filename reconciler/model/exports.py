"""Where the rows of a query go, when that is no audience: to a system that the vendor has a connector for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Final, Self, TypeAlias

from pydantic import Field, model_validator

from reconciler.model.spec import ConnectionRef, OneLine, Spec

Setting: TypeAlias = str | list[str] | dict[str, str]
"""A setting as it is written: scalars are text."""
SECRET_SETTING: Final = re.compile(
    r"client_id|secret|password|passwd|token|api_?key|private_?key|credential|session_?id", re.IGNORECASE
)
"""Names of settings that the vendor hides when they are read, or that had better never be shown."""
ConnectorType = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]


class OnInvalid(StrEnum):
    """What an export does with a row it cannot send."""

    SKIP = "skip"
    FAIL = "fail"


class QueryExport(Spec):
    """Target of a query: a connection, which has the credentials; or a connector or an address that needs none."""

    connection: ConnectionRef | None = None
    """Name of a Connection document, or of a connection that exists already."""
    type: ConnectorType | None = None
    """Type of a connector at Treasure Data that needs no credentials."""
    url: OneLine | None = None
    """Address without credentials, such as ``td://@/shop/copies?mode=replace``."""
    settings: dict[str, Setting] = Field(default_factory=dict)
    """What the connector is to do, in its own words."""

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        named = [name for name in ("connection", "type", "url") if getattr(self, name) is not None]
        if len(named) != 1:
            message = "needs exactly one of `connection`, `type` and `url`"
            raise ValueError(message)
        if self.url is not None and self.settings:
            message = "an address has its settings in it: take `settings` away, or write `type`"
            raise ValueError(message)
        if "type" in self.settings:
            message = "`type` stands beside `settings`, not in them"
            raise ValueError(message)
        if hidden := secret_names(self.settings):
            message = f"{hidden[0]!r} is a secret: let a Connection have it, and name that as `connection`"
            raise ValueError(message)
        return self


def secret_names(settings: Mapping[str, object]) -> list[str]:
    """Names in *settings* that only secrets have, sorted."""
    return sorted(name for name in settings if SECRET_SETTING.search(name))
