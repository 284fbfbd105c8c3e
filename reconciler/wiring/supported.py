"""What tdr can do with each kind, and through which service. Asks nobody and needs no project."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

from reconciler.model.environment import EMBEDDED
from reconciler.model.secret import Secret
from reconciler.ports.provider import KindTraits
from reconciler.providers.adobe.provider import AdobeProvider
from reconciler.providers.pinterest.provider import PinterestProvider
from reconciler.providers.qlik.provider import QlikProvider
from reconciler.providers.treasure_data.provider import TreasureDataProvider

APIS: Final[Mapping[str, str]] = {
    TreasureDataProvider.name: "Treasure Data API v3, connections v4; segments by the API of its CDP, which has no number",
    PinterestProvider.name: "Pinterest API v5",
    QlikProvider.name: "Qlik Cloud REST API v1: data-connections, data-sources, spaces, di-projects",
    AdobeProvider.name: "Adobe Experience Platform Flow Service, which has no number",
}
"""Provider -> what it speaks. Source: the addresses that the clients in `apis` call."""


@dataclass(frozen=True, slots=True)
class Support:
    """A kind at one provider.

    kind: lower case, as in addresses.
    provider: whose account holds its objects, as under `accounts` of an environment.
    services: what may answer for the provider, `embedded` for the service on this machine; where it makes no difference, all.
    """

    kind: str
    provider: str
    services: tuple[str, ...]
    traits: KindTraits


def supported() -> tuple[Support, ...]:
    """Every kind that a provider knows; twice where it depends on who answers. Sorted."""
    vendors, embedded = _treasure_data()
    found = []
    for kind in vendors.keys() | embedded.keys():
        by_service = {TreasureDataProvider.name: vendors.get(kind), EMBEDDED: embedded.get(kind)}
        for traits in {id(traits): traits for traits in by_service.values() if traits is not None}.values():
            services = tuple(sorted(service for service, its in by_service.items() if its is traits))
            found.append(Support(kind, TreasureDataProvider.name, services, traits))
    found += [
        Support(kind, provider.name, (provider.name,), traits)
        for provider in (PinterestProvider, QlikProvider, AdobeProvider)
        for kind, traits in provider.kinds.items()
    ]
    return tuple(sorted(found, key=lambda support: (support.kind, support.services)))


def _treasure_data() -> tuple[Mapping[str, KindTraits], Mapping[str, KindTraits]]:
    """The kinds of the vendor's own service, and of the embedded one. The clients only carry the name of a key."""
    from reconciler.apis.treasure_data_connect import (  # noqa: PLC0415 - only for this
        connect,
        connect_customer_data,
        connect_workflows,
    )
    from reconciler.apis.treasure_data_endpoint import endpoint  # noqa: PLC0415 - as above

    place, nobody = endpoint("us01"), Secret("none", "0/nobody")
    with ExitStack() as closing:
        api, customer_data = connect(place, nobody), connect_customer_data(place, nobody)
        workflows = connect_workflows(place, nobody)
        for client in (api, customer_data, workflows):
            closing.callback(client.close)
        made, looked_up = (
            TreasureDataProvider(
                api, "nobody", creates_connections=makes, customer_data=customer_data, workflows=workflows
            )
            for makes in (True, False)
        )
        return looked_up.kinds, made.kinds
