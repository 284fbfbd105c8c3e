"""What the newest look told of each object, so that a write can tell whether somebody else wrote since."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from reconciler.apis.adobe import Kind, Object
from reconciler.errors import Conflict
from reconciler.model.json import Json, canonical


class Seen:
    """Objects by kind and id. Safe for many threads.

    sharing: held while a flow specification is read, changed and written, for what is written is all of it.
    """

    def __init__(self) -> None:
        self.sharing = threading.Lock()
        self._told: dict[tuple[Kind, str], Object] = {}
        self._lock = threading.Lock()

    def note(self, kind: Kind, told: Object) -> None:
        """Remember what was told."""
        with self._lock:
            self._told[kind, str(told["id"])] = told

    def etag(self, kind: Kind, newest: Object) -> str:
        """The etag to change *newest* under: the one that the plan saw, where it saw the object at all."""
        with self._lock:
            known = self._told.get((kind, str(newest["id"])), newest)
        return str(known.get("etag") or newest.get("etag") or "")

    def must_be_as_seen(self, kind: Kind, newest: Object, meant: Mapping[str, Json]) -> None:
        """Refuse to overwrite an object without etag that differs from what the plan saw. *meant*: its comparable part now.

        Raises:
            Conflict: somebody changed it.
        """
        with self._lock:
            known = self._told.get((kind, str(newest["id"])))
        if known is not None and canonical({name: known.get(name) for name in meant}) != canonical(meant):
            raise Conflict(
                f"Adobe: {kind.value}/{newest['id']} was changed by somebody since the plan was made",
                hint="run `tdr plan` again",
            )
