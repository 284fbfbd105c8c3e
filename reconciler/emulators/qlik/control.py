"""``/_control``: what people and time do in this tenant.

==================================== =====================================================================================
DELETE /keys                          every key and token is refused from now on
POST   /spaces                        ``{"name"}``
GET    /authorisations                pages that were opened for people, with their state, oldest first
POST   /authorisations/{id}/approve   a person consents: ``{"code"}``; /refuse: does not; /expire: page and code have ended
GET    /connections                   all connections, with whether they are authorised
PATCH  /connections/{id}              a person edits: ``{"name"}``, ``{"properties": {…}}``; DELETE takes it away
POST   /connections/{id}/authorise    a person consents in the console; /revoke: takes it back
POST   /projects                      ``{"name", "space", "type"}``
POST   /projects/{id}/tasks           ``{"name", "type", "files": {name: text}, "prepared"}``
PUT    /projects/{id}/tasks/{task}    ``{"files": {name: text}}``: a person edits a task; DELETE takes it away
POST   /projects/{id}/tasks/{task}/run ``{"state"}``: what became of its run
==================================== =====================================================================================

Besides what `emulators.console` has for all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from reconciler.emulators.console import Console, Named, route

if TYPE_CHECKING:
    from reconciler.emulators.qlik.app import QlikCloud


def control_routes(tenant: QlikCloud) -> list[Route]:
    """The routes that control *tenant*."""
    console, people = _Console(tenant), _People(tenant)
    return [
        *console.routes(),
        route("DELETE", "/keys", console.end_keys),
        route("POST", "/spaces", people.make_space),
        route("GET", "/authorisations", people.pages),
        route("POST", "/authorisations/{id}/{deed}", people.answer_page),
        route("GET", "/connections", people.connections),
        route("PATCH", "/connections/{id}", people.edit_connection),
        route("DELETE", "/connections/{id}", people.remove_connection),
        route("POST", "/connections/{id}/{deed}", people.consent),
        route("POST", "/projects", people.make_project),
        route("POST", "/projects/{id}/tasks", people.make_task),
        route("PUT", "/projects/{id}/tasks/{task}", people.edit_task),
        route("POST", "/projects/{id}/tasks/{task}/run", people.run_task),
        route("DELETE", "/projects/{id}/tasks/{task}", people.remove_task),
    ]


class _Console(Console):
    """Time, knobs, faults."""

    def __init__(self, tenant: QlikCloud) -> None:
        super().__init__(tenant)
        self._tenant = tenant

    def end_keys(self, _path: Named, _asked: Named) -> object:
        self._tenant.world.keys.clear()
        self._tenant.world.tokens.clear()
        return {}


class _People:
    """What is done in the console of the tenant."""

    def __init__(self, tenant: QlikCloud) -> None:
        self._tenant = tenant

    def make_space(self, _path: Named, asked: Named) -> object:
        return self._tenant.world.put_space(str(asked["name"]))

    def pages(self, _path: Named, _asked: Named) -> object:
        pages = self._tenant.world.authorisations.values()
        return {"authorisations": [{"id": one.id, "client_id": one.client_id, "state": one.state} for one in pages]}

    def answer_page(self, path: Named, _asked: Named) -> object:
        world = self._tenant.world
        match path["deed"]:
            case "approve":
                return {"code": world.approve(path["id"])}
            case "refuse":
                world.refuse(path["id"])
            case "expire":
                world.expire(path["id"])
            case other:
                raise KeyError(other)
        return {}

    def connections(self, _path: Named, _asked: Named) -> object:
        told = [
            {
                "id": one.id,
                "name": one.name,
                "space": one.space,
                "properties": one.properties,
                "is_authorised": bool(one.credentials_id),
            }
            for one in self._tenant.world.connections.values()
        ]
        return {"connections": told}

    def edit_connection(self, path: Named, asked: Named) -> object:
        found = self._tenant.world.connections[path["id"]]
        found.name = str(asked.get("name", found.name))
        found.properties |= asked.get("properties", {})
        found.updated = self._tenant.world.now()
        return {}

    def remove_connection(self, path: Named, _asked: Named) -> object:
        del self._tenant.world.connections[path["id"]]
        return {}

    def consent(self, path: Named, _asked: Named) -> object:
        deeds = {"authorise": self._tenant.world.authorise, "revoke": self._tenant.world.revoke}
        deeds[path["deed"]](path["id"])
        return {}

    def make_project(self, _path: Named, asked: Named) -> object:
        return {"id": self._tenant.world.put_project(str(asked["name"]), asked).id}

    def make_task(self, path: Named, asked: Named) -> object:
        return {"id": self._tenant.world.put_task(path["id"], str(asked["name"]), asked).id}

    def edit_task(self, path: Named, asked: Named) -> object:
        self._tenant.world.projects[path["id"]].tasks[path["task"]].files |= asked["files"]
        return {}

    def run_task(self, path: Named, asked: Named) -> object:
        self._tenant.world.run_state(path["id"], path["task"], str(asked["state"]))
        return {}

    def remove_task(self, path: Named, _asked: Named) -> object:
        del self._tenant.world.projects[path["id"]].tasks[path["task"]]
        return {}
