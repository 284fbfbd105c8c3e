"""What Pinterest tells of advertising: lists of objects, metrics at once, and reports that take their time.

Source: Pinterest API v5; `docs` of the reports: a link lives five minutes and takes no other credentials.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from reconciler.apis.pinterest import PinterestClient
from reconciler.errors import Permanent, Transient
from reconciler.http.client import Client
from reconciler.http.request import Params, Safety, get, path, send_json
from reconciler.model.json import Json
from reconciler.ports.clock import Clock

Row: TypeAlias = Mapping[str, Json]

_POLL_S: Final = 10.0
_PATIENCE_S: Final = 600.0
_TRIES: Final = 5
"""Ten seconds, ten minutes and five times are what public importers keep to; nothing is published."""
_LATER: Final = "run it again later"
_RUNNING, _READY = "IN_PROGRESS", "FINISHED"


@dataclass(frozen=True, slots=True)
class MarketingClient:
    """One ad account, to be read only.

    download: opens a client for the origin of a report's link, without credentials.
    """

    client: PinterestClient
    clock: Clock
    account_id: str
    download: Callable[[str], Client]

    def listed(self, name: str, params: Params) -> Iterator[Row]:
        """All objects below the account, such as ``campaigns``, page after page as they are taken."""
        return self.client.rows(f"{self._at}/{name}", params)

    def own(self, name: str, params: Params) -> Iterator[Row]:
        """All objects of the account's owner, such as ``catalogs``."""
        return self.client.rows(f"/{name}", {**params, "ad_account_id": self.account_id})

    def owned(self, name: str, params: Params) -> Iterator[Row]:
        """All objects that the credentials reach, such as ``ad_accounts``, whichever account is read."""
        return self.client.rows(f"/{name}", params)

    def one(self, name: str) -> Row:
        """The one object at *name*, such as ``user_account``."""
        told = self.client.answer(get(f"/{name}"))
        if not isinstance(told, Mapping):
            raise Transient(f"Pinterest: {name} answered with something else than an object", hint=_LATER)
        return told

    def metrics(self, name: str, params: Params) -> Sequence[Row]:
        """Metrics at once; *name* such as ``campaigns/analytics``, or ``analytics`` of the account."""
        request = get(f"{self._at}/{name}", params)
        answer = self.client.answer(request)
        if not isinstance(answer, list) or not _are_rows(answer):
            raise Transient(f"Pinterest: {name} answered with something else than rows", hint=_LATER)
        return answer

    def targeting(self, params: Params) -> Iterator[Row]:
        """The account's metrics at once, told apart by who was reached; flat, with `TARGETING_TYPE` and `TARGETING_VALUE`."""
        answer = self.client.answer(get(f"{self._at}/targeting_analytics", params))
        told = answer.get("data") if isinstance(answer, Mapping) else None
        for row in told if isinstance(told, list) else (None,):
            metrics = row.get("metrics") if isinstance(row, Mapping) else None
            if not isinstance(row, Mapping) or not isinstance(metrics, Mapping):
                raise Transient("Pinterest: targeting_analytics answered with something else than rows", hint=_LATER)
            apart = {name.upper(): row.get(name) for name in ("targeting_type", "targeting_value")}
            yield {**metrics, **apart}

    def report(self, body: Row) -> Mapping[str, Sequence[Row]]:
        """The rows of a report by id, once it is there; it is asked for again when it comes to nothing.

        Raises:
            Transient: it was not ready in ten minutes, or came to nothing five times.
        """
        status = ""
        for _ in range(_TRIES):
            told = self.client.answer(send_json("POST", f"{self._at}/reports", body, safety=Safety.READ))
            token = told.get("token") if isinstance(told, Mapping) else None
            if not isinstance(token, str):
                raise Permanent("Pinterest: a report was asked for, and no token came")
            status, url = self._awaited(token)
            if status == _READY and url:
                return self._fetched(url)
        raise Transient(
            f"Pinterest: a report came to nothing {_TRIES} times, at last with {status}", hint="run it later"
        )

    def close(self) -> None:
        """Close the connections."""
        self.client.close()

    @property
    def _at(self) -> str:
        return path("ad_accounts", self.account_id)

    def _awaited(self, token: str) -> tuple[str, str]:
        until = self.clock.now() + _PATIENCE_S
        while True:
            told = self.client.answer(get(f"{self._at}/reports", {"token": token}))
            status = told.get("report_status") if isinstance(told, Mapping) else None
            if not isinstance(status, str):
                raise Transient("Pinterest: reports answered with something else than a status", hint=_LATER)
            if status != _RUNNING:
                url = told.get("url") if isinstance(told, Mapping) else None
                return status, url if isinstance(url, str) else ""
            if self.clock.now() >= until:
                raise Transient("Pinterest: a report was not ready in ten minutes", hint="run it later")
            self.clock.sleep(_POLL_S)

    def _fetched(self, url: str) -> Mapping[str, Sequence[Row]]:
        parts = urlsplit(url)
        with self.download(f"{parts.scheme}://{parts.netloc}") as client:
            # The link is signed as it stands: nothing of it is encoded once more.
            answer = client.json(get(parts.path + (f"?{parts.query}" if parts.query else "")))
        if not isinstance(answer, Mapping) or not all(map(_are_rows, answer.values())):
            raise Transient("Pinterest: a report is no map of rows by id", hint=_LATER)
        return {key: rows for key, rows in answer.items() if isinstance(rows, list)}


def _are_rows(value: Json) -> bool:
    return isinstance(value, list) and all(isinstance(row, Mapping) for row in value)
