"""What Pinterest cannot do, and the words for what an export can."""

from __future__ import annotations

from reconciler.errors import Permanent
from reconciler.model.activation import AudienceVerbs, Verb
from reconciler.model.address import Address
from reconciler.model.kinds import Membership
from reconciler.ports.provider import FieldClass, KindTraits

VERBS = AudienceVerbs(
    create="CREATE_NEW_AUDIENCE",
    create_title_setting="audience_name",
    create_description_setting="audience_description",
    on_existing={
        Membership.REPLACE: Verb("REPLACE_CURRENT_AUDIENCE", "audience_id_replace"),
        Membership.ADD: Verb("ADD_PEOPLE_TO_CURRENT_AUDIENCE", "audience_id_add_people"),
        Membership.REMOVE: Verb("REMOVE_PEOPLE_TO_CURRENT_AUDIENCE", "audience_id_remove_people"),
        Membership.CLEAR: Verb("DELETE_CURRENT_AUDIENCE", "audience_id_delete"),
    },
)
"""Source: Treasure Data, page of the Pinterest export; spelled as there, DELETE empties the audience and keeps it."""

SMALLEST_SHOWN = 100
"""An audience of fewer matched people is not used for ads. Source: Pinterest API v5, status TOO_SMALL."""

AUDIENCE = KindTraits(
    classes={"/ad_account_id": FieldClass.IMMUTABLE, "/identifier": FieldClass.IMMUTABLE},
    defaults={"description": ""},
    # Pinterest promises nothing about when a listing shows a new object.
    visible_within_s=120.0,
    verbs=VERBS,
    # Pinterest does not say. Those who send lists say a day, some two; what is added or removed need not wait for that.
    # Source: pages of Segment (24 h), and of Treasure Data, Hightouch, Braze and Amperity (24 to 48 h).
    ingests_within_s=86_400.0,
)


def cannot_create(address: Address) -> Permanent:
    """An audience is made of a list, and a list is made with its first members."""
    return Permanent(
        f"{address}: Pinterest makes an audience only together with its first members",
        hint="declare an activation with `membership: replace` or `add` to this audience; its first run makes it",
    )


def cannot_disable(address: Address) -> Permanent:
    """There is no switch."""
    return Permanent(
        f"{address}: an audience at Pinterest cannot be switched off, only removed",
        hint="write `on_delete: forget` to leave it there, or `on_delete: delete` to remove it",
    )
