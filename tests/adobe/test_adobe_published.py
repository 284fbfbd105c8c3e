"""Published specifications are registered as their authors wrote them, and read back without a difference."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from adobe_scene import APPLICATION, CLIENT_SECRET, CONNECTION_SPEC, NOW, ORG

from reconciler.apis.adobe_connect import connect
from reconciler.emulators.adobe.sandbox import AdobeSandbox
from reconciler.engine.diff import Rules, differences
from reconciler.errors import Conflict
from reconciler.model.address import Address
from reconciler.model.dataflows import AdobeTarget, SourceRegistrationSpec
from reconciler.model.observation import Finding
from reconciler.model.resource import Origin, Resource
from reconciler.model.secret import Secret
from reconciler.model.spec import Lifecycle
from reconciler.ports.clock import SystemClock
from reconciler.ports.provider import Context, Wanted
from reconciler.providers.adobe.provider import AdobeProvider

SHARED = Path(__file__).resolve().parents[3] / "shared" / "contracts" / "source-specs"
_OTHER = {"invalid-specs", "edge-runs", "dotnet-date-formats"}


def _cases() -> list[Any]:
    if not SHARED.is_dir():
        absent = pytest.mark.skip(reason="the contracts are not beside this checkout")
        return [pytest.param("", marks=absent, id="absent")]
    return sorted(path.stem for path in SHARED.glob("*.json") if path.stem not in _OTHER)


@pytest.fixture
def provider(sandbox: AdobeSandbox) -> Iterator[AdobeProvider]:
    target = AdobeTarget(
        org_id=ORG,
        client_id=Secret("env:ID", APPLICATION.client_id),
        client_secret=Secret("env:SECRET", CLIENT_SECRET),
        base_url=sandbox.base_url,
        login_url=sandbox.base_url,
    )
    provider = AdobeProvider(target, connect, SystemClock(), "shop/test")
    yield provider
    provider.close()


@pytest.mark.parametrize("numbers", ["as_sent", "text"])
@pytest.mark.parametrize("name", _cases())
def test_a_published_specification_survives_the_way_there_and_back(
    provider: AdobeProvider, sandbox: AdobeSandbox, name: str, numbers: str
) -> None:
    case = json.loads((SHARED / f"{name}.json").read_text(encoding="utf-8"))
    source = {**case["sourceSpec"], "x-tdr": {"key": ["id"]}}
    entry = {"name": "Any", "type": "Any", "spec": {"type": "object"}}
    text = json.dumps({"authSpec": [entry], "sourceSpec": source})
    address = Address("sourceregistration", name)
    spec = SourceRegistrationSpec(definition=text)
    resource = Resource(address, spec, Lifecycle(), Origin("", 0))
    context = Context({address: resource})
    sandbox.control.knobs(numbers_told=numbers)

    assert list(provider.check(resource, context)) == []
    desired = provider.desired(resource, context)
    made = provider.create(resource, desired)
    look = provider.observe([Wanted(address, resource, None)], context)[address]

    assert isinstance(look, Finding)
    assert [one.remote_id for one in look.by_key] == [made.remote_id]
    rules = Rules(provider.kinds[address.kind], lambda *_: "")
    assert differences(desired.attributes, look.by_key[0].attributes, None, rules) == ()
    objects = sandbox.control.call("GET", "/objects/prod/connectionSpecs")["objects"]
    (kept,) = (one for one in objects if one["id"] == made.remote_id)
    assert kept["sourceSpec"] == case["sourceSpec"]
    assert sandbox.adobe.timeline.now() == NOW


def test_a_specification_that_somebody_changed_since_the_look_is_not_overwritten(
    provider: AdobeProvider, sandbox: AdobeSandbox
) -> None:
    address = Address("sourceregistration", "lists")
    resource = Resource(
        address, SourceRegistrationSpec(definition=json.dumps(CONNECTION_SPEC)), Lifecycle(), Origin("", 0)
    )
    context = Context({address: resource})
    desired = provider.desired(resource, context)
    made = provider.create(resource, desired)
    where = f"/objects/prod/connectionSpecs/{made.remote_id}"
    sandbox.control.call("PATCH", where, {"authSpec": []})

    with pytest.raises(Conflict) as stale:
        provider.update(resource, made.remote_id, desired, ["/members"])

    assert "tdr plan" in stale.value.hint
    provider.observe([Wanted(address, resource, None)], context)
    written = provider.update(resource, made.remote_id, desired, ["/members"])
    rules = Rules(provider.kinds[address.kind], lambda *_: "")
    assert differences(desired.attributes, written.attributes, None, rules) == ()
