"""Settings of connections to REST APIs: flat where they are compared, as the runner wants them where they are sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from reconciler.model.connections import RestAuthentication, RestConnection
from reconciler.model.json import Json
from reconciler.model.secret import Secret
from reconciler.ports.listing import SecretPlace
from reconciler.providers.treasure_data.references import Tree, nothing_else
from reconciler.providers.treasure_data.wire import Raw, text

_OF_SECRETS: Final = "secrets."
"""Begins the names of secrets, which parameters and settings of ours may be called as well."""


def wanted(spec: RestConnection) -> dict[str, Json | Secret]:
    """The settings that *spec* wants, to compare."""
    return {
        "auth": spec.auth.value,
        "params": cast("Mapping[str, Json]", spec.params),
        "allowed_hosts": list(spec.allowed_hosts),
        "allow_private": spec.allow_private,
        **{_OF_SECRETS + name: secret for name, secret in spec.secrets.items()},
    }


def sent(settings: Mapping[str, Json]) -> dict[str, Json]:
    """*settings*, their secrets in clear, in the form that is kept. `known_as` tells afterwards which secrets there are."""
    secrets = {
        name.removeprefix(_OF_SECRETS): value for name, value in settings.items() if name.startswith(_OF_SECRETS)
    }
    auth: dict[str, Json] = {"type": settings["auth"], "params": settings["params"]}
    if secrets:
        auth |= {"secrets": secrets, "known_as": sorted(secrets)}
    return {"auth": auth, "allowed_hosts": settings["allowed_hosts"], "allow_private": settings["allow_private"]}


def told(raw: Raw) -> tuple[dict[str, Json], list[str]]:
    """What is kept, to compare, and names of its secrets."""
    auth = raw.get("auth")
    auth = auth if isinstance(auth, dict) else {}
    known = auth.get("known_as")
    names = [text(name) for name in known] if isinstance(known, list) else []
    settings: dict[str, Json] = {
        "auth": auth.get("type") or RestAuthentication.NONE.value,
        "params": auth.get("params") or {},
        "allowed_hosts": raw.get("allowed_hosts") or [],
        "allow_private": raw.get("allow_private") is True,
    }
    return settings, [_OF_SECRETS + name for name in names]


def said(settings: Mapping[str, Any], hidden: list[str]) -> Tree:
    """What a document says of settings that were told."""
    nothing_else(settings, {"auth", "params", "allowed_hosts", "allow_private"}, "the connection has settings")
    tree: Tree = {"auth": settings["auth"]}
    tree |= {name: settings[name] for name in ("params", "allowed_hosts") if settings[name]}
    if hidden:
        tree["secrets"] = {name.removeprefix(_OF_SECRETS): SecretPlace() for name in hidden}
    return tree | ({"allow_private": True} if settings["allow_private"] else {})
