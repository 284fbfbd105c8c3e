"""octoDNS's target: an HTTP server that lists all records in one answer. Imported by octoDNS, in its own environment."""

from __future__ import annotations

import json
import logging
import urllib.request
from typing import Any

from octodns.provider.base import BaseProvider
from octodns.record import Record


class HttpProvider(BaseProvider):  # type: ignore[misc] # octoDNS has no types
    """Reads ``{"records": [[name, data], …]}`` from *url*."""

    SUPPORTS_GEO = False
    SUPPORTS_DYNAMIC = False
    SUPPORTS = frozenset({"A", "TXT"})

    def __init__(self, id: str, url: str, *args: Any, **kwargs: Any) -> None:  # noqa: A002 - octoDNS names it
        self.log = logging.getLogger(f"HttpProvider[{id}]")
        super().__init__(id, *args, **kwargs)
        self._url = url

    def populate(self, zone: Any, target: bool = False, lenient: bool = False) -> bool:  # noqa: ARG002, FBT001, FBT002 - as above
        """Add all records to *zone*."""
        with urllib.request.urlopen(self._url) as answer:
            for name, data in json.loads(answer.read())["records"]:
                zone.add_record(Record.new(zone, name, data, source=self, lenient=lenient))
        return True

    def _apply(self, plan: Any) -> None:
        raise NotImplementedError
