"""All that is at this Intercom, and what search has taken notice of."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from reconciler.emulators.intercom import objects
from reconciler.emulators.intercom.knobs import Knobs
from reconciler.emulators.timeline import Timeline
from reconciler.model.json import Json

Object = dict[str, Json]


@dataclass(slots=True)
class Shelf:
    """Objects of one kind by id, and the forms in which search knows them."""

    now: dict[str, Object] = field(default_factory=dict)
    _forms: dict[str, list[tuple[float, Object | None]]] = field(default_factory=dict)

    def put(self, key: str, value: Object | None, at: float, delay_s: float) -> None:
        """Keep *value*, or forget it when it is None; search notices *delay_s* later."""
        if value is None:
            self.now.pop(key, None)
        else:
            self.now[key] = value
        self._forms.setdefault(key, []).append((at + delay_s, value))

    def searched(self, at: float) -> Iterator[Object]:
        """What search knows at the time *at*."""
        for key, forms in list(self._forms.items()):
            noticed = [index for index, (since, _) in enumerate(forms) if since <= at]
            if not noticed:
                continue
            del forms[: noticed[-1]]
            value = forms[0][1]
            if value is not None:
                yield value
            elif len(forms) == 1:
                del self._forms[key]


@dataclass(slots=True)
class Scroll:
    """The one open scroll of the app. *left* is what was not told yet of what is at *path*."""

    path: str
    param: str
    left: list[Object]
    used_at: float


class World:
    """One workspace."""

    def __init__(self, *, knobs: Knobs, timeline: Timeline) -> None:
        """Start with nothing in it."""
        self.knobs = knobs
        self.timeline = timeline
        self.workspace = "wsp00001"
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self.contacts, self.conversations = Shelf(), Shelf()
        self.merged: dict[str, str] = {}
        self.deleted_conversations: dict[str, Object] = {}
        self.segments: dict[str, Object] = {}
        self.tags: dict[str, Object] = {}
        self.companies: dict[str, Object] = {}
        self.scroll: Scroll | None = None
        self.tokens: set[str] = set()
        self._numbers = itertools.count(1)

    def now(self) -> int:
        """Unix seconds."""
        return int(self.timeline.now())

    # -- what happens at Intercom --------------------------------------------------------------------------------

    def put_contact(self, contact_id: str | None, told: Mapping[str, Json]) -> Object:
        """Make a contact, or change one. A change is one of now, unless *told* says when."""
        key = contact_id or f"6762f0dd1bb69f9f{next(self._numbers):08x}"
        there = self.contacts.now.get(key)
        made = (
            objects.contact(key, told, workspace=self.workspace, now=self.now())
            if there is None
            else {**there, "updated_at": self.now(), **told}
        )
        self.contacts.put(key, made, self.timeline.now(), self.knobs.index_delay_s)
        return made

    def delete_contact(self, contact_id: str) -> None:
        """It is gone from everywhere at once, but for search, which notices late."""
        self.contacts.put(contact_id, None, self.timeline.now(), self.knobs.index_delay_s)

    def merge_contact(self, contact_id: str, into: str) -> None:
        """*contact_id* is *into* from now on, which counts as changed."""
        target = self.contacts.now[into]
        self.delete_contact(contact_id)
        self.merged[contact_id] = into
        self.put_contact(into, {"role": target["role"]})

    def put_conversation(self, conversation_id: str | None, told: Mapping[str, Json]) -> Object:
        """Make a conversation, or change one. *told* may hold ``parts``, which are added."""
        key = conversation_id or str(next(self._numbers))
        there = self.conversations.now.get(key)
        added = told.get("parts") or []
        fields = {name: value for name, value in told.items() if name != "parts"}
        made = (
            objects.conversation(key, fields, now=self.now())
            if there is None
            else {**there, "updated_at": self.now(), **fields}
        )
        parts: list[Json] = [
            objects.part(str(next(self._numbers)), one, now=self.now())
            for one in (added if isinstance(added, list) else [])
            if isinstance(one, Mapping)
        ]
        kept = made["parts"]
        made["parts"] = [*(kept if isinstance(kept, list) else []), *parts]
        self.conversations.put(key, made, self.timeline.now(), self.knobs.index_delay_s)
        return made

    def delete_conversation(self, conversation_id: str) -> None:
        """It is gone, and told of by its id only."""
        self.conversations.put(conversation_id, None, self.timeline.now(), self.knobs.index_delay_s)
        self.deleted_conversations[conversation_id] = {
            "type": "conversation",
            "id": conversation_id,
            "metrics_retained": True,
            "deleted_at": self.now(),
        }

    def put_segment(self, segment_id: str, told: Mapping[str, Json]) -> Object:
        """Make or change a segment."""
        usual: Object = {"type": "segment", "created_at": self.now(), "updated_at": self.now(), "person_type": "user"}
        made = {**usual, "name": segment_id, "count": 0, **told, "id": segment_id}
        self.segments[segment_id] = made
        return made

    def put_tag(self, tag_id: str, told: Mapping[str, Json]) -> Object:
        """Make or change a tag."""
        self.tags[tag_id] = {"type": "tag", "name": tag_id, **told, "id": tag_id}
        return self.tags[tag_id]

    def put_company(self, company_id: str, told: Mapping[str, Json]) -> Object:
        """Make or change a company."""
        times: Object = {"created_at": self.now(), "updated_at": self.now()}
        made = {"type": "company", "company_id": company_id, "name": company_id, **times, **told, "id": company_id}
        self.companies[company_id] = made
        return made
