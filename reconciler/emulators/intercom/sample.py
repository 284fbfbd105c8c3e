"""A small workspace to look at: a dozen customers, what they wrote, and how they are sorted."""

from __future__ import annotations

from typing import Final

from reconciler.emulators.intercom.world import World

_DAY_S: Final = 86_400
_CUSTOMERS, _LEADS, _CONVERSATIONS = 12, 3, 8


def fill(world: World) -> None:
    """Put the sample into *world*, spread over the days before now."""
    now = world.now()
    for tag in ("vip", "trial"):
        world.put_tag(tag, {"name": tag})
    world.put_segment("active", {"name": "Active", "count": _CUSTOMERS})
    world.put_company("acme", {"name": "Acme"})
    for number in range(1, _CUSTOMERS + _LEADS + 1):
        at = now - number * _DAY_S
        world.put_contact(
            f"contact-{number:02}",
            {
                "role": "user" if number <= _CUSTOMERS else "lead",
                "external_id": str(1000 + number) if number <= _CUSTOMERS else None,
                "email": f"customer{number}@example.com",
                "name": f"Customer {number}",
                "created_at": at,
                "updated_at": at,
                "tag_ids": ["vip"] if number % 4 == 0 else [],
                "company_ids": ["acme"] if number % 3 == 0 else [],
                "custom_attributes": {"orders": number % 5},
            },
        )
    for number in range(1, _CONVERSATIONS + 1):
        at, writer = now - number * 3_600, f"contact-{number % 5 + 1:02}"
        world.put_conversation(
            str(100 + number),
            {
                "title": f"Question {number}",
                "created_at": at,
                "updated_at": at,
                "contacts": {
                    "type": "contact.list",
                    "contacts": [{"type": "contact", "id": writer, "external_id": None}],
                },
                "parts": [{"body": "<p>Where is my order?</p>"}, {"body": "<p>On its way.</p>"}],
            },
        )
