"""Which provider answers for which kind."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING

from reconciler.errors import UsageError
from reconciler.manifest import Loaded
from reconciler.manifest.secrets import SecretReference
from reconciler.model.connections import PinterestConnection
from reconciler.model.dataflows import AdobeTarget
from reconciler.model.environment import EnvironmentSpec
from reconciler.model.probe import AccountFacts, ProbeRecord, settled
from reconciler.model.qlik import QlikTarget
from reconciler.model.resource import Resource
from reconciler.model.secret import Secret
from reconciler.ports.clock import Clock
from reconciler.ports.provider import Provider
from reconciler.providers.adobe.provider import AdobeProvider
from reconciler.providers.pinterest.provider import PinterestProvider
from reconciler.providers.qlik.provider import QlikProvider
from reconciler.providers.treasure_data.provider import TreasureDataProvider
from reconciler.wiring.tokens import TokensOnNeed
from reconciler.wiring.tracing import trace_of

if TYPE_CHECKING:
    from reconciler.apis.adobe import FlowService
    from reconciler.apis.pinterest import PinterestClient
    from reconciler.apis.qlik import QlikClient
    from reconciler.wiring.embedded import Embedded


def providers(
    loaded: Loaded,
    tokens: TokensOnNeed,
    clock: Clock,
    embedded: Embedded | None,
    closing: ExitStack,
    project: str,
    probed: ProbeRecord | None,
) -> dict[str, Provider]:
    """Kind -> provider.

    tokens: where those are kept that rotate.
    closing: ends the connections.
    probed: what an account was found to do; heeded when it is the one that answers.
    project: its name; with the environment's it signs what is made where there is a place for it.
    """
    treasure_data = (
        _treasure_data(loaded.environment, clock, closing, probed)
        if embedded is None
        else TreasureDataProvider(
            embedded.client(),
            embedded.account,
            creates_connections=True,
            facts=_facts(loaded.environment, probed, embedded.account),
            cron_dialect=loaded.environment.cron_dialect,
            clock=clock,
            owner=f"{project}/{loaded.environment_name}",
            customer_data=embedded.customer_data(),
            workflows=embedded.workflows(),
        )
    )
    pinterest = _pinterest(loaded, tokens, clock)
    closing.callback(pinterest.close)
    qlik = _qlik(loaded.environment, clock)
    closing.callback(qlik.close)
    adobe = _adobe(loaded.environment, clock, f"{project}/{loaded.environment_name}")
    closing.callback(adobe.close)
    return {
        **dict.fromkeys(treasure_data.kinds, treasure_data),
        **dict.fromkeys(pinterest.kinds, pinterest),
        **dict.fromkeys(qlik.kinds, qlik),
        **dict.fromkeys(adobe.kinds, adobe),
    }


def _facts(environment: EnvironmentSpec, probed: ProbeRecord | None, account: str) -> AccountFacts:
    if probed is not None and "/" not in account and probed.account.rpartition("/")[0] == account:
        account = probed.account  # whose key it is nobody knows yet, so what is known of the place is said
    return settled(probed, account, environment.treasure_data.facts.written())


def _treasure_data(
    environment: EnvironmentSpec, clock: Clock, closing: ExitStack, probed: ProbeRecord | None
) -> TreasureDataProvider:
    from reconciler.apis.treasure_data_connect import connect, connect_customer_data, connect_workflows  # noqa: PLC0415 - the embedded service has its own way
    from reconciler.apis.treasure_data_endpoint import account_id, endpoint  # noqa: PLC0415 - as above

    target = environment.treasure_data
    if target.api_key is None:
        raise UsageError(
            "the environment names Treasure Data, but no key",
            hint="add `treasure_data: {api_key: ${secret:env:TD_API_KEY}}` to it",
        )
    place = endpoint(target.endpoint)
    # A run that asks no vendor, such as `tdr validate`, knows the key by its reference only.
    is_known = not isinstance(target.api_key, SecretReference)
    account = f"{place.name}/{account_id(target.api_key)}" if is_known else place.name
    pace, trace = target.pace, trace_of(os.environ)
    api = connect(place, target.api_key, per_s=pace.api, clock=clock, trace=trace)
    closing.callback(api.close)
    customer_data = connect_customer_data(place, target.api_key, per_s=pace.customer_data, clock=clock, trace=trace)
    closing.callback(customer_data.close)
    workflows = connect_workflows(place, target.api_key, per_s=pace.workflows, clock=clock, trace=trace)
    closing.callback(workflows.close)
    return TreasureDataProvider(
        api,
        account,
        creates_connections=False,
        facts=_facts(environment, probed, account),
        cron_dialect=environment.cron_dialect,
        clock=clock,
        customer_data=customer_data,
        workflows=workflows,
    )


def _pinterest(loaded: Loaded, tokens: TokensOnNeed, clock: Clock) -> PinterestProvider:
    def client_for(connection: Resource) -> PinterestClient:
        from reconciler.apis.pinterest_connect import App, connect  # noqa: PLC0415 - only when somebody asks

        spec = connection.spec
        if not isinstance(spec, PinterestConnection):
            raise TypeError(type(spec).__name__)
        return connect(
            App(spec.client_id, spec.client_secret, spec.refresh_token),
            tokens(),
            base_url=spec.base_url or loaded.environment.endpoints.get("pinterest"),
            clock=clock,
            trace=trace_of(os.environ),
        )

    connections = [one for address, one in loaded.resources.items() if address.kind == "connection"]
    return PinterestProvider(client_for, connections)


def _qlik(environment: EnvironmentSpec, clock: Clock) -> QlikProvider:
    def client_for(target: QlikTarget) -> QlikClient:
        from reconciler.apis.qlik_connect import Machine, connect  # noqa: PLC0415 - only when somebody asks

        if target.client_id is not None and target.client_secret is not None:
            asks: Secret | Machine = Machine(target.client_id, target.client_secret)
        elif target.api_key is not None:
            asks = target.api_key
        else:
            raise TypeError("neither a key nor a machine")
        return connect(target.tenant, asks, clock=clock, trace=trace_of(os.environ))

    return QlikProvider(client_for, environment.qlik, clock)


def _adobe(environment: EnvironmentSpec, clock: Clock, owner: str) -> AdobeProvider:
    def client_for(target: AdobeTarget) -> FlowService:
        from reconciler.apis.adobe_connect import connect  # noqa: PLC0415 - only when somebody asks

        return connect(target, clock=clock, trace=trace_of(os.environ))

    return AdobeProvider(environment.adobe, client_for, clock, owner)
