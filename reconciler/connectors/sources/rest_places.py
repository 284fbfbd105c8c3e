"""Where a run may go, and which resource of it the position belongs to."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from reconciler.errors import Permanent
from reconciler.model.json import Json, canonical
from reconciler.sourcespec.specification import Specification


def hold_allowed(url: str, allowed: Json) -> None:
    """Refuse an address whose host the connection does not allow; every host where it names none.

    allowed: names of hosts, `*.example.com` for all below one; with a port, that port only.

    Raises:
        Permanent: credentials would go where nobody wanted them.
    """
    names = (
        [str(name).lower() for name in allowed]
        if isinstance(allowed, Sequence) and not isinstance(allowed, str)
        else []
    )
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    port = parts.port or (443 if parts.scheme == "https" else 80)
    if names and not any(fnmatchcase(host, name) or fnmatchcase(f"{host}:{port}", name) for name in names):
        raise Permanent(
            f"{host} is none of the hosts that the connection allows",
            hint=f"it allows {', '.join(names)}; check the specification's host, or add to `allowed_hosts`",
        )


def resource(specification: Specification, inputs: Mapping[str, Json]) -> str:
    """What a run reads, as a digest: a position means nothing for the rows of another list or address."""
    told = [specification.method, specification.host, specification.path, dict(sorted(inputs.items()))]
    return hashlib.sha256(canonical(told)).hexdigest()[:32]
