"""What a reviewer approves: a digest over the operations of a plan, not over its text."""

from __future__ import annotations

from reconciler.engine.diff import secrets_in
from reconciler.engine.planning import Prepared
from reconciler.engine.world import World
from reconciler.model.change import Keep, Move, action, fields_of
from reconciler.model.json import Json, digest
from reconciler.model.unknown import Unknown


def plan_digest(world: World, prepared: Prepared) -> str:
    """``sha256:…`` over address, action, resolved mode and fields after, secrets by fingerprint; order-free."""
    operations: list[dict[str, Json]] = []
    for change in prepared.plan.changes:
        if isinstance(change, Keep):
            continue
        desired = prepared.desired.get(change.address)
        secrets = dict(secrets_in(desired.attributes)) if desired else {}
        resolution = prepared.resolutions.get(change.address)
        operations.append(
            {
                "address": str(change.address),
                "action": action(change),
                "id": getattr(change, "remote_id", ""),
                "mode": resolution.mode if resolution else "",
                **({"to": str(change.to)} if isinstance(change, Move) else {}),
                "fields": {
                    path: world.fingerprint(secrets[path], path)
                    if field.secret and path in secrets
                    else str(field.after)
                    if isinstance(field.after, Unknown)
                    else field.after
                    for path, field in fields_of(change).items()
                },
            }
        )
    return digest(sorted(operations, key=lambda operation: str(operation["address"])))
