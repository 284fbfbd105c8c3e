"""The records of a document, each built when somebody asks for it."""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, Mapping
from typing import cast

from reconciler.errors import StateError
from reconciler.model.address import Address
from reconciler.model.record import Record
from reconciler.ports.store import Entry


class Records(Mapping[Address, Record]):
    """A mapping over the JSON of a document whose digest was right. Building all of 10,000 takes longer than reading them."""

    def __init__(self, entries: Mapping[Address, Record] | Mapping[Address, Mapping[str, object]]) -> None:
        """Hold records, or what `Record.to_json` wrote of them, by address."""
        # A copy of records not yet built leaves them so.
        self._entries: dict[Address, Record | Mapping[str, object]] = dict(
            entries._entries if isinstance(entries, Records) else entries  # noqa: SLF001 - of its own kind
        )
        self._unbuilt = sum(not isinstance(entry, Record) for entry in self._entries.values())

    def __getitem__(self, address: Address) -> Record:
        entry = self._entries[address]
        if isinstance(entry, Record):
            return entry
        try:
            record = Record.from_json(entry)
        except (KeyError, TypeError, ValueError) as error:
            raise StateError(
                f"state has a record of `{address}` that cannot be read: {error!r}",
                hint="its digest is right, so it was written so; please report it, and `tdr state restore` an earlier state",
            ) from error
        self._entries[address] = record
        self._unbuilt -= 1
        return record

    def written(self, address: Address) -> Mapping[str, object]:
        """What stands in the document of the record of *address*, without building it."""
        entry = self._entries[address]
        return entry.to_json() if isinstance(entry, Record) else entry

    def items(self) -> ItemsView[Address, Record]:
        """Every record with its address; once all are built, as fast as a dict."""
        if not self._unbuilt:
            return cast("ItemsView[Address, Record]", self._entries.items())
        return super().items()

    def after(self, entries: Iterable[Entry]) -> Records:
        """The records as they are once *entries* have happened."""
        new = Records(self)
        for entry in (entry for entry in entries if entry.remembers):
            before = new._entries.get(entry.address)
            if before is not None and not isinstance(before, Record):
                new._unbuilt -= 1
            if entry.record is None:
                new._entries.pop(entry.address, None)
            else:
                new._entries[entry.address] = entry.record
        return new

    def __contains__(self, address: object) -> bool:
        return address in self._entries

    def __iter__(self) -> Iterator[Address]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)
