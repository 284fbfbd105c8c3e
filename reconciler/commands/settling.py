"""Queries that need no second look: the same document, record and object as when a plan last found nothing to do.

A plan of ten thousand unchanged queries is mostly spent on finding that out one by one. What a plan found steady it leaves
as digests (`manifest.settled`); the next plan reads every document, the whole state and the vendor's list as ever, sets
aside what has the same digests on all three sides, and plans the rest. That is right because

- nothing names a query, so a plan of the rest differs only where it counts what is declared or remembered: those counts are
  of all (`World.settled`);
- whatever else a query's part of a plan depends on is in `basis`, the day for dates and tdr's own code included;
- a plan of the rest that creates and updates is the whole plan's rest. Anything more, such as a gate, a deletion or an
  adoption, is planned again with everything (`stand_alone`).
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import reconciler
from reconciler.commands.objects_ahead import sends_to_object
from reconciler.engine.planning import Prepared
from reconciler.errors import ProviderError
from reconciler.manifest import settled
from reconciler.manifest.digest import config_digest
from reconciler.manifest.settled import QUERY, Settled
from reconciler.model.address import Address
from reconciler.model.change import Create, Keep, Update
from reconciler.model.json import canonical, digest
from reconciler.model.observation import Finding
from reconciler.policy.book import book_of
from reconciler.ports.provider import Fingerprints
from reconciler.ports.store import Snapshot
from reconciler.stores.records import Records
from reconciler.wiring import Runtime


def basis(runtime: Runtime) -> str:
    """Digest over everything but its own document, record and object that a settled query depends on."""
    world, loaded = runtime.world, runtime.loaded
    others = {address: resource for address, resource in loaded.resources.items() if address.kind != QUERY}
    return digest(
        [
            _code(),
            world.owner,
            world.providers[QUERY].account(),
            world.today().isoformat(),
            book_of(runtime.project.spec.policy, world.environment.policy).digest,
            config_digest(others, world.environment, world.fingerprint),
            [list(address) for address in sorted(others)],
            "" if runtime.probed.record is None else runtime.probed.record.model_dump_json(include={"answers"}),
        ]
    )


def may_still_be(runtime: Runtime, snapshot: Snapshot) -> bool:
    """Whether nothing is under way and everything set aside is remembered."""
    if runtime.loaded.transitions or snapshot.unfinished or not isinstance(snapshot.state.records, Records):
        return False
    return runtime.loaded.aside <= snapshot.state.records.keys()


def are_still(runtime: Runtime, snapshot: Snapshot) -> bool:
    """Whether what is remembered of everything set aside, and what the vendor tells of it, is what it was."""
    records, known = snapshot.state.records, runtime.loaded.settled.facts
    if not isinstance(records, Records):
        return False
    try:
        told = _told(runtime)
    except ProviderError:
        return False  # what cannot be read the whole plan tells
    return all(known.get(address.name) == _fact(records, address, told) for address in runtime.loaded.aside)


def stand_alone(prepared: Prepared) -> bool:
    """Whether the plan of a part would be the same with the rest beside it."""
    plan = prepared.plan
    return not plan.gates and all(isinstance(change, Keep | Create | Update) for change in plan.changes)


def remember(runtime: Runtime, prepared: Prepared) -> None:
    """Keep for the next plan what *prepared*, a whole plan, found to be settled."""
    loaded, records = runtime.loaded, prepared.state.records
    folder = runtime.state_folder.parent / ".cache"
    documents: dict[str, str] = {}
    facts: dict[str, str] = {}
    fresh = [] if loaded.transitions or prepared.unfinished else list(_steady(runtime, prepared))
    if loaded.aside and not fresh and len(loaded.aside) == len(loaded.settled.documents):
        return
    if isinstance(records, Records) and (fresh or loaded.aside):
        told = _told(runtime)
        names = {address.name for address in loaded.aside}
        documents = {digest: name for digest, name in loaded.settled.documents.items() if name in names}
        facts = {name: fact for name, fact in loaded.settled.facts.items() if name in names}
        for address in fresh:
            if fact := _fact(records, address, told):
                documents[loaded.digests[address]], facts[address.name] = address.name, fact
    found = Settled(basis(runtime) if documents else "", documents, facts)
    if found != settled.read(folder, runtime.environment_name):
        settled.save(folder, runtime.environment_name, found)


def _steady(runtime: Runtime, prepared: Prepared) -> Iterator[Address]:
    """What is remembered, there, and as declared, and of which the plan has nothing to say."""
    plan, resources = prepared.plan, runtime.world.resources
    spoken_of = {warning.subject for warning in plan.warnings}
    files = {warning.position.file for warning in plan.warnings if warning.position is not None}
    spoken_of.update(str(address) for gate in plan.gates for address in gate.addresses)
    for change in plan.changes:
        address = change.address
        if not isinstance(change, Keep) or change.note or address not in runtime.loaded.digests:
            continue
        if plan.sources.get(address, "").rpartition(":")[0] in files:
            continue  # a file whose documents are set aside might say nothing of itself
        record, look = prepared.state.records.get(address), prepared.seen[address]
        if record is None or record.phase or not isinstance(look, Finding) or look.by_id is None:
            continue
        if str(address) in spoken_of:
            continue
        # What is ignored until a day is warned of before it, and an object may take no rows any more.
        if not resources[address].lifecycle.ignore and not sends_to_object(resources[address].spec):
            yield address


def _told(runtime: Runtime) -> Mapping[str, bytes]:
    provider = runtime.world.providers[QUERY]
    return provider.fingerprints(QUERY) if isinstance(provider, Fingerprints) else {}


def _fact(records: Records, address: Address, told: Mapping[str, bytes]) -> str:
    """Digest over the record and the object of *address*; "" when there is none."""
    written = records.written(address)
    fingerprint = told.get(str(written.get("id")))
    if fingerprint is None:
        return ""
    return hashlib.blake2b(canonical(written) + fingerprint, digest_size=16).hexdigest()


def _code() -> str:
    """Of this tdr and this Python: what another version found settled is looked at again."""
    root = Path(reconciler.__file__).parent
    files = []
    for folder, _, names in os.walk(root):
        for path in (os.path.join(folder, name) for name in names if name.endswith(".py")):  # noqa: PTH118 - hundreds
            found = os.stat(path)  # noqa: PTH116 - as above
            files.append([path, found.st_size, found.st_mtime_ns])
    return digest([sys.version, reconciler.__version__, sorted(files)])
