"""Making an audience, once: a list with the first members, the other members, then the audience of that list.

Names are not unique at Pinterest, a lost answer may have acted, and a run may be killed between any two requests. So every
attempt is written down before it is made, together with the lists of that title that were there already; whatever of that
title is new afterwards and belongs to no audience is ours, and is gone on with instead of making a second one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from reconciler.connectors.destinations.pinterest_api import Audience, AudienceApi, CustomerList
from reconciler.connectors.destinations.pinterest_upload import TOO_LARGE
from reconciler.dataplane.batches import batches
from reconciler.dataplane.durable import read_document, write_bytes, write_document
from reconciler.dataplane.keyfile import key_slices
from reconciler.errors import Conflict, OutcomeUnknown, Permanent
from reconciler.model.kinds import Identifier
from reconciler.ports.clock import Clock

LOOKS_S = (0.0, 2.0, 5.0, 10.0)
"""Waits before each look for what a lost answer may have made. How long Pinterest's listings lag is not documented."""

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Creation:
    """How far the making of one audience got.

    job_id: of the run that finished it, or is at it.
    before: ids of the lists with its title from before the attempt; None while no list was attempted.
    """

    job_id: str = ""
    before: tuple[str, ...] | None = None
    list_id: str = ""
    asked_for_audience: bool = False
    audience_id: str = ""


class Creator:
    """Makes the audience *title* of one ad account; remembers in *folder*."""

    def __init__(self, api: AudienceApi, folder: Path, account: str, title: str, clock: Clock) -> None:
        name = hashlib.sha256(f"{account}\0{title}".encode()).hexdigest()[:32]
        self._api = api
        self._title = title
        self._clock = clock
        self._path = folder / f"{name}.json"
        self.first = folder / f"{name}.first"
        self._creation = _read(self._path)

    def start(self, job_id: str, is_known: Callable[[str], bool]) -> Audience | None:
        """The audience, when this very job has made it before; None when it is to be made or gone on with.

        An audience of ours that somebody removed has left its list behind, for lists cannot be removed. When *is_known*
        says of its id that all its members are known here, the new audience is made of that list again.

        Raises:
            Conflict: an audience of that title is there and is none we were about to make.
        """
        made = self._creation
        namesakes = [one for one in self._api.audiences() if one.name == self._title and not one.is_removed]
        if made.audience_id:
            for audience in namesakes:
                if audience.audience_id == made.audience_id and made.job_id == job_id:
                    return audience
            made = Creation(list_id=made.list_id if self._is_left(made.list_id) and is_known(made.list_id) else "")
        others = [one for one in namesakes if not made.list_id or one.list_id != made.list_id]
        if others:
            raise Conflict(
                f"the audience {self._title!r} exists already: {', '.join(one.audience_id for one in others)}",
                hint="create it once, then use `add_people_to_current_audience` or `replace_current_audience` with its id",
            )
        self._creation = replace(made, job_id=job_id)
        return None

    def _is_left(self, list_id: str) -> bool:
        """Whether the list is there and no audience is made of it."""
        used = any(one.list_id == list_id and not one.is_removed for one in self._api.audiences())
        return not used and any(one.list_id == list_id for one in self._api.lists())

    def list_for(self, identifier: Identifier, wanted: Path, count: int, size: int) -> tuple[str, int]:
        """Id of the list, made with the first *size* of the *count* keys in *wanted* unless an attempt of ours made it.

        Returns the id, and how many members were sent with it now (0: it was there, with the keys of `first` or some).

        Raises:
            OutcomeUnknown: the answer was lost and no list of that title shows up; the next run looks again.
            Permanent: several lists may be ours.
        """
        if self._creation.list_id:
            return self._creation.list_id, 0
        if self._creation.before is not None and (found := self._our_list()):
            self._keep(list_id=found.list_id)
            return found.list_id, 0
        sent = min(size, count)
        write_bytes(self.first, next(key_slices(wanted, 0, sent, sent)))
        self._keep(before=tuple(one.list_id for one in self._lists()))
        [batch] = batches([(wanted, 0, sent)], sent)
        try:
            made = self._api.create_list(self._title, identifier, batch.records)
        except OutcomeUnknown:
            found = self._look(self._our_list)
            if found is None:
                raise
            self._keep(list_id=found.list_id)
            return found.list_id, 0
        except Permanent as error:
            if error.status != TOO_LARGE or sent == 1:
                raise
            return self.list_for(identifier, wanted, count, sent // 2)
        self._keep(list_id=made.list_id)
        return made.list_id, sent

    def audience_of(self, list_id: str, description: str) -> Audience:
        """The audience of *list_id*: found when an attempt of ours made it, else made.

        Raises:
            OutcomeUnknown: the answer was lost and the audience does not show up; the next run looks again.
        """

        def ours() -> Audience | None:
            return next((one for one in self._api.audiences() if one.list_id == list_id and not one.is_removed), None)

        audience = self._look(ours) if self._creation.asked_for_audience else None
        if audience is None:
            self._keep(asked_for_audience=True)
            try:
                audience = self._api.create_audience(self._title, description, list_id)
            except OutcomeUnknown:
                audience = self._look(ours)
                if audience is None:
                    raise
        self._keep(audience_id=audience.audience_id)
        self.first.unlink(missing_ok=True)
        return audience

    def _lists(self) -> list[CustomerList]:
        return [one for one in self._api.lists() if one.name == self._title]

    def _our_list(self) -> CustomerList | None:
        """The one list of that title that is new since the attempt and belongs to no audience."""
        taken = {one.list_id for one in self._api.audiences()} | set(self._creation.before or ())
        new = [one for one in self._lists() if one.list_id not in taken]
        if len(new) > 1:
            ids = ", ".join(one.list_id for one in new)
            raise Permanent(
                f"several customer lists named {self._title!r} belong to no audience: {ids}",
                hint="make an audience of the right one at Pinterest and use its id, or choose another name",
            )
        return new[0] if new else None

    def _look(self, find: Callable[[], Found | None]) -> Found | None:
        for wait_s in LOOKS_S:
            if wait_s:
                self._clock.sleep(wait_s)
            if (found := find()) is not None:
                return found
        return None

    def _keep(
        self,
        *,
        before: Sequence[str] | None = None,
        list_id: str = "",
        asked_for_audience: bool = False,
        audience_id: str = "",
    ) -> None:
        known = self._creation
        self._creation = Creation(
            job_id=known.job_id,
            before=tuple(before) if before is not None else known.before,
            list_id=list_id or known.list_id,
            asked_for_audience=asked_for_audience or known.asked_for_audience,
            audience_id=audience_id,
        )
        _write(self._path, self._creation)


def _write(path: Path, creation: Creation) -> None:
    write_document(
        path,
        {
            "format": "tdr.pinterest-creation",
            "format_version": 1,
            "job_id": creation.job_id,
            "before": None if creation.before is None else list(creation.before),
            "list_id": creation.list_id,
            "asked_for_audience": creation.asked_for_audience,
            "audience_id": creation.audience_id,
        },
    )


def _read(path: Path) -> Creation:
    document = read_document(path)
    if document is None:
        return Creation()
    before = document.get("before")
    return Creation(
        job_id=str(document.get("job_id") or ""),
        before=tuple(str(one) for one in before) if isinstance(before, list) else None,
        list_id=str(document.get("list_id") or ""),
        asked_for_audience=document.get("asked_for_audience") is True,
        audience_id=str(document.get("audience_id") or ""),
    )
