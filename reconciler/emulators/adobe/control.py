"""``/_control``: what happens at Adobe without anybody asking its API.

====================================== =================================================================================
DELETE /tokens                          all access tokens end
GET    /objects/{sandbox}/{kind}        all objects of a kind, as they are kept: secrets are in clear
PATCH  /objects/{sandbox}/{kind}/{id}   ``{member: value}``, as somebody at a console would change it
DELETE /objects/{sandbox}/{kind}/{id}   it is gone, whatever uses it
====================================== =================================================================================

Besides what `emulators.console` has for all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from reconciler.emulators.console import Console, Named, route

if TYPE_CHECKING:
    from reconciler.emulators.adobe.app import Adobe


def control_routes(adobe: Adobe) -> list[Route]:
    """The routes that control *adobe*."""
    console = _Console(adobe)
    return [
        *console.routes(),
        route("DELETE", "/tokens", console.end_tokens),
        route("GET", "/objects/{sandbox}/{kind}", console.objects),
        route("PATCH", "/objects/{sandbox}/{kind}/{id}", console.change),
        route("DELETE", "/objects/{sandbox}/{kind}/{id}", console.delete),
    ]


class _Console(Console):
    """Does what the calls ask for."""

    def __init__(self, adobe: Adobe) -> None:
        super().__init__(adobe)
        self._adobe = adobe

    def end_tokens(self, _path: Named, _asked: Named) -> object:
        self._adobe.world.tokens.clear()
        return {}

    def objects(self, path: Named, _asked: Named) -> object:
        return {"objects": list(self._adobe.world.sandboxes[path["sandbox"]].of(path["kind"]).values())}

    def change(self, path: Named, asked: Named) -> object:
        world = self._adobe.world
        sandbox = world.sandboxes[path["sandbox"]]
        there = sandbox.of(path["kind"])[path["id"]]
        return world.put(sandbox, path["kind"], {**there, **asked}, path["id"])

    def delete(self, path: Named, _asked: Named) -> object:
        del self._adobe.world.sandboxes[path["sandbox"]].of(path["kind"])[path["id"]]
        return {}
