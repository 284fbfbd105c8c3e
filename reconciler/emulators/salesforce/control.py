"""``/_control``: what happens at Salesforce without anybody asking its API.

================================== =====================================================================================
PATCH  /objects/{object}            an administrator changes it: ``{"createable": false, "fields": {"Key__c": {"length": 3}}}``
                                    with names of `schema.SObject` and `schema.Column`; null takes a field away
DELETE /objects/{object}            the user may not see it any more
POST   /sessions                    a session: ``{"session_id"}``; DELETE ends all
POST   /locks                       ``{"field", "value", "times"}``: rows that cannot be locked, so often; with
                                    ``"unless_serial": true`` only where batches go at the same time
POST   /rules                       ``{"field", "value", "message"}``: a validation rule against records with that value;
                                    DELETE takes all away
POST   /breakages                   ``{"rows", "message"}``: the next job or batch commits so many rows, then fails
GET    /records/{object}            records with Id and what is not null; ``?deleted=true`` with the recycle bin
POST   /records/{object}            ``{"rows": [...]}`` become records: ``{"ids"}``
================================== =====================================================================================

Besides what `emulators.console` has for all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from starlette.routing import Route

from reconciler.emulators.console import Console, Named, route
from reconciler.emulators.salesforce.world import Breakage, Lock, Rule

if TYPE_CHECKING:
    from reconciler.emulators.salesforce.app import Salesforce


def control_routes(salesforce: Salesforce) -> list[Route]:
    """The routes that control *salesforce*."""
    console = _Console(salesforce)
    return [
        *console.routes(),
        route("PATCH", "/objects/{object}", console.alter),
        route("DELETE", "/objects/{object}", console.hide),
        route("POST", "/sessions", console.begin_session),
        route("DELETE", "/sessions", console.end_sessions),
        route("POST", "/locks", console.lock),
        route("POST", "/rules", console.rule),
        route("DELETE", "/rules", console.no_rules),
        route("POST", "/breakages", console.break_next),
        route("GET", "/records/{object}", console.records),
        route("POST", "/records/{object}", console.put),
    ]


class _Console(Console):
    """Does what the calls ask for."""

    def __init__(self, salesforce: Salesforce) -> None:
        super().__init__(salesforce)
        self._salesforce = salesforce

    def overview(self, named: Named, asked: Named) -> dict[str, object]:
        """Also calls and logins so far."""
        world = self._salesforce.world
        calls = {"all": world.calls, "routes": dict(world.routes)}
        return super().overview(named, asked) | {"calls": calls, "logins": list(world.sessions.logins)}

    def disarm(self, named: Named, asked: Named) -> object:
        """Locks and breakages, too."""
        self._salesforce.world.locks.clear()
        self._salesforce.world.breakages.clear()
        return super().disarm(named, asked)

    def alter(self, path: Named, asked: Named) -> object:
        rights = {name: value for name, value in asked.items() if name != "fields"}
        fields = asked.get("fields", {})
        if not isinstance(fields, Mapping) or not all(isinstance(one, Mapping | None) for one in fields.values()):
            raise TypeError("`fields` says by name what changes, or null")
        self._salesforce.world.alter(path["object"], fields, rights)
        return {}

    def hide(self, path: Named, _asked: Named) -> object:
        self._salesforce.world.hide(path["object"])
        return {}

    def begin_session(self, _path: Named, _asked: Named) -> object:
        world = self._salesforce.world
        return {"session_id": world.sessions.begin(world.knobs.session_s)}

    def end_sessions(self, _path: Named, _asked: Named) -> object:
        self._salesforce.world.sessions.open.clear()
        return {}

    def lock(self, _path: Named, asked: Named) -> object:
        lock = Lock(
            str(asked["field"]),
            str(asked["value"]),
            int(asked["times"]),
            unless_serial=bool(asked.get("unless_serial")),
        )
        self._salesforce.world.locks.append(lock)
        return {}

    def rule(self, _path: Named, asked: Named) -> object:
        self._salesforce.world.rules.append(Rule(str(asked["field"]), str(asked["value"]), str(asked["message"])))
        return {}

    def no_rules(self, _path: Named, _asked: Named) -> object:
        self._salesforce.world.rules.clear()
        return {}

    def break_next(self, _path: Named, asked: Named) -> object:
        self._salesforce.world.breakages.append(Breakage(int(asked["rows"]), str(asked["message"])))
        return {}

    def records(self, path: Named, _asked: Named) -> object:
        return {"records": self._salesforce.world.shown(path["object"], deleted=path.get("deleted") == "true")}

    def put(self, path: Named, asked: Named) -> object:
        return {"ids": self._salesforce.world.put(path["object"], asked["rows"])}
