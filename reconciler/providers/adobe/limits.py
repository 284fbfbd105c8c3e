"""What the Flow Service cannot do."""

from __future__ import annotations

from typing import Final

from reconciler.errors import Permanent
from reconciler.model.address import Address
from reconciler.ports.provider import Anew, FieldClass, KindTraits

_VISIBLE_S: Final = 30.0
"""Nothing is promised about when a list shows what was made."""

REGISTRATION: Final = KindTraits(
    classes={"/members": FieldClass.SET},
    removes=frozenset({"/specification"}),
    visible_within_s=_VISIBLE_S,
    # A connection specification cannot be deleted, so a new one would stand beside the old under the same name.
    anew=Anew.NEVER,
    leaves="Adobe deletes no connection specification: it stays there, taken out of the flow specification",
)
ACCOUNT: Final = KindTraits(
    classes={"/connection_spec": FieldClass.IMMUTABLE},
    defaults={"description": ""},
    removes=frozenset({"/params", "/secrets"}),
    visible_within_s=_VISIBLE_S,
    # A base connection that flows read by cannot be deleted.
    anew=Anew.NEVER,
)
FLOW: Final = KindTraits(
    classes=dict.fromkeys(
        (
            "/account",
            "/source_params",
            "/dataset_id",
            "/schema_id",
            "/schema_version",
            "/flow_spec",
            "/schedule/start",
            "/schedule/waits_until",
        ),
        FieldClass.IMMUTABLE,
    ),
    defaults={"description": ""},
    removes=frozenset({"/mapping"}),
    visible_within_s=_VISIBLE_S,
    anew_means="a new flow takes the place of this one, and its first run takes everything again unless `backfill` is false",
)
"""Source and target connections are never changed apart from their flow: the flow would not notice.

Source: Adobe's tutorial on updating dataflows. A start cannot be changed once it has passed.
"""


def cannot_disable(address: Address) -> Permanent:
    """There is no switch but on flows."""
    return Permanent(
        f"{address}: only flows can be switched off",
        hint="write `on_delete: forget` to leave it there, or `on_delete: delete` to remove it",
    )
