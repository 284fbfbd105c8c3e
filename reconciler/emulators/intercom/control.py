"""``/_control``: what happens at Intercom without anybody asking its API.

================================== =====================================================================================
PUT    /{kind}/{id}                 make or change one: contacts, conversations, segments, tags, companies; the body has its
                                    fields, of a conversation also ``parts`` to add
DELETE /contacts/{id}               and /conversations/{id}
POST   /contacts/{id}/merge         ``{"into": id}``
================================== =====================================================================================

Besides what `emulators.console` has for all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from reconciler.emulators.console import Console, Named, route

if TYPE_CHECKING:
    from reconciler.emulators.intercom.app import Intercom


def control_routes(intercom: Intercom) -> list[Route]:
    """The routes that control *intercom*."""
    console = _Console(intercom)
    return [
        *console.routes(),
        route("POST", "/contacts/{id}/merge", console.merge),
        route("PUT", "/{kind}/{id}", console.put),
        route("DELETE", "/{kind}/{id}", console.delete),
    ]


class _Console(Console):
    """Does what the calls ask for."""

    def __init__(self, intercom: Intercom) -> None:
        super().__init__(intercom)
        self._intercom = intercom

    def put(self, path: Named, asked: Named) -> object:
        world = self._intercom.world
        makers = {
            "contacts": world.put_contact,
            "conversations": world.put_conversation,
            "segments": world.put_segment,
            "tags": world.put_tag,
            "companies": world.put_company,
        }
        return makers[path["kind"]](path["id"], asked)

    def delete(self, path: Named, _asked: Named) -> object:
        world = self._intercom.world
        removers = {"contacts": world.delete_contact, "conversations": world.delete_conversation}
        removers[path["kind"]](path["id"])
        return {}

    def merge(self, path: Named, asked: Named) -> object:
        self._intercom.world.merge_contact(path["id"], asked["into"])
        return {}
