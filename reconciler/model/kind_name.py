"""Kinds as people write them in settings: ``Activation`` or ``activation``."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from reconciler.diagnostics import did_you_mean
from reconciler.model.kinds import KINDS

_KNOWN = {kind.lower(): kind for kind in KINDS}


def _kind(written: str) -> str:
    """The kind as it stands in addresses."""
    kind = written.lower()
    if kind not in _KNOWN:
        message = f"there is no kind {written!r}; {did_you_mean(written, KINDS) or 'kinds: ' + ', '.join(KINDS)}"
        raise ValueError(message)
    return kind


KindName = Annotated[str, AfterValidator(_kind)]
"""A kind, in lower case once it is read."""
