"""One change, journalled: intent on disk, one call at the vendor, what came of it on disk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import assert_never

from reconciler.engine.diff import Rules, differences
from reconciler.engine.resolve import identify
from reconciler.engine.session import Session
from reconciler.engine.world import World
from reconciler.errors import NotFound, OutcomeUnknown, Permanent, TdrError
from reconciler.model.activation import Resolution
from reconciler.model.address import Address
from reconciler.model.change import (
    Adopt,
    Change,
    Create,
    Delete,
    Disable,
    FieldChange,
    Forget,
    Keep,
    Move,
    Replace,
    Undecided,
    Update,
)
from reconciler.model.json import Json
from reconciler.model.observation import Finding, Observation, Unreadable
from reconciler.model.record import Record
from reconciler.ports.clock import rfc3339
from reconciler.ports.provider import Desired, Provider, Wanted

LOOKS_AFTER_LOSS = 3
"""How often to look for an object whose creation got no answer, before leaving it to the next run."""


@dataclass(frozen=True, slots=True)
class Execution:
    """How a change becomes calls. *desired_of* and *resolution_of* know the ids that became known in this run.

    tell: told what the vendor is still doing with an object that was written, or waits for.
    """

    world: World
    session: Session
    desired_of: Callable[[Address], Desired]
    resolution_of: Callable[[Address], Resolution | None]
    tell: Callable[[str], None] = lambda _note: None

    def run(self, change: Change) -> None:
        """Execute *change*.

        Raises:
            OutcomeUnknown: the vendor may have acted; the intent stays open in the journal for the next run.
            ProviderError: the vendor refused.
        """
        match change:
            case Create():
                self._create(change)
            case Update():
                self._update(change.address, change.remote_id, change.fields)
            case Adopt():
                self._adopt(change)
            case Replace():
                self._replace(change)
            case Delete():
                self._pause(change)
                self._delete(change.address, change.remote_id, left=None)
            case Disable():
                self._disable(change)
            case Forget():
                self.session.remember(change.address, None, "forget")
            case Move():
                self._move(change)
            case Keep() | Undecided():
                pass
            case _:
                assert_never(change)

    def _create(self, change: Create) -> None:
        address = change.address
        if change.via is not None:
            self._made_by_first_run(change)
            return
        resource = self.world.resources[address]
        provider = self.world.providers[address.kind]
        desired = self.desired_of(address)
        begun = self.session.begin(address, "create", desired.natural_key)
        try:
            observed = provider.create(resource, desired)
        except OutcomeUnknown:
            found = self._look_after_loss(provider, address)
            if found is None:
                raise
            observed = found
        except Permanent as error:
            self.session.fail(begun, error.message)
            raise
        record = self._record(address, observed.remote_id, desired)
        if self.world.traits(address).visible_within_s:
            record = replace(record, unseen_since=rfc3339(self.world.clock.now()))
        self.session.end(begun, record)
        self._tell(observed)

    def _replace(self, change: Replace) -> None:
        if change.via is not None:  # its first run, which waits for this, makes it anew
            self._delete(change.address, change.remote_id, left=None)
            return
        self._pause(change)
        self._delete(change.address, change.remote_id, left=self._remembered(change.address))
        self._create(Create(change.address, change.fields, change.reason, change.resolution))

    def _made_by_first_run(self, change: Create) -> None:
        """The activation's first run has made it; what differs from the document is changed now."""
        record = self.session.record(change.address)
        if record is None:
            raise TdrError(
                f"{change.address}: {change.via} ran, but made no audience",
                hint=f"see what {change.via} says; run `tdr apply` again when it is corrected",
            )
        look = self._look(self.world.providers[change.address.kind], change.address, record)
        if look is None:
            return
        fields = self._differences(change.address, look, record)
        if fields:
            self._update(change.address, record.remote_id, fields)

    def _update(self, address: Address, remote_id: str, fields: tuple[FieldChange, ...]) -> None:
        resource = self.world.resources[address]
        provider = self.world.providers[address.kind]
        desired = self.desired_of(address)
        paths = tuple(field.path for field in fields)
        begun = self.session.begin(address, "update", desired.natural_key)
        try:
            observed = provider.update(resource, remote_id, desired, paths)
        except OutcomeUnknown:
            # An update sets values, so after looking it may simply be sent again.
            # What was applied before tells what had to go, and which secrets are new: a look tells neither.
            record = self.session.record(address)
            look = self._look(provider, address, record)
            if look is None or self._differences(address, look, record):
                observed = provider.update(resource, remote_id, desired, paths)
            else:
                observed = look
        except Permanent as error:
            self.session.fail(begun, error.message)
            raise
        self.session.end(begun, self._record(address, observed.remote_id, desired))
        self._tell(observed)

    def _tell(self, observed: Observation) -> None:
        if observed.note:
            self.tell(observed.note)

    def _adopt(self, change: Adopt) -> None:
        desired = self.desired_of(change.address)
        if change.fields:
            self._update(change.address, change.remote_id, change.fields)
        else:
            self.session.remember(change.address, self._record(change.address, change.remote_id, desired), "adopt")

    def _delete(self, address: Address, remote_id: str, *, left: Record | None) -> None:
        """Take an object away. *left* is what stays remembered of it: nothing, or what its replacement follows."""
        record = self._remembered(address)
        provider = self.world.providers[address.kind]
        begun = self.session.begin(address, "delete")
        try:
            provider.delete(address, remote_id, record)
        except OutcomeUnknown:
            if self._look(provider, address, record) is not None:
                provider.delete(address, remote_id, record)
        except Permanent as error:
            self.session.fail(begun, error.message)
            raise
        self.session.end(begun, left)

    def _pause(self, change: Delete | Replace) -> None:
        """Take the schedule off an activation that goes, so that no run begins while it is being deleted."""
        record = self._remembered(change.address)
        if change.address.kind != "activation" or not record.applied.get("cron"):
            return
        begun = self.session.begin(change.address, "pause")
        try:
            self.world.providers[change.address.kind].disable(change.address, change.remote_id, record)
        except NotFound:
            pass  # deleted by somebody else meanwhile; the delete finds the same
        except Permanent as error:
            self.session.fail(begun, error.message)
            raise
        self.session.end(begun, record)

    def _disable(self, change: Disable) -> None:
        provider = self.world.providers[change.address.kind]
        begun = self.session.begin(change.address, "disable")
        try:
            provider.disable(change.address, change.remote_id, self._remembered(change.address))
        except Permanent as error:
            self.session.fail(begun, error.message)
            raise
        self.session.end(begun, None)

    def _move(self, change: Move) -> None:
        """The new address first, so that a run that is cut off forgets nothing."""
        record = self._remembered(change.address)
        if self.session.record(change.to) is None:
            self.session.remember(change.to, record, "move")
        self.session.remember(change.address, None, "move")

    # -- looking --------------------------------------------------------------------------------------------------

    def _look(self, provider: Provider, address: Address, record: Record | None) -> Observation | None:
        wanted = Wanted(address, self.world.resources.get(address), record)
        look = provider.observe([wanted], self.world.context(self.session.remote_ids()))[address]
        if isinstance(look, Unreadable):
            raise look.error
        return look.by_id

    def _look_after_loss(self, provider: Provider, address: Address) -> Observation | None:
        """The object that a create without an answer may have made: the only one of its natural key, or None."""
        wanted = Wanted(address, self.world.resources[address], None)
        for attempt in range(LOOKS_AFTER_LOSS):
            self.world.clock.sleep(attempt)
            look = provider.observe([wanted], self.world.context(self.session.remote_ids()))[address]
            meant = identify(look) if isinstance(look, Finding) else ()
            if isinstance(meant, Observation):
                return meant
        return None

    def _differences(self, address: Address, look: Observation, record: Record | None) -> tuple[FieldChange, ...]:
        rules = Rules(
            self.world.traits(address), self.world.fingerprint, self.world.ignored(self.world.resources[address])
        )
        return differences(self.desired_of(address).attributes, look.attributes, record, rules)

    # -- remembering ----------------------------------------------------------------------------------------------

    def _remembered(self, address: Address) -> Record:
        record = self.session.record(address)
        if record is None:
            raise TdrError(f"{address} is not in the state any more", hint="plan again")
        return record

    def _record(self, address: Address, remote_id: str, desired: Desired) -> Record:
        resolution = self.resolution_of(address)
        resolved: dict[str, Json] = {}
        if resolution is not None:
            resolved = {"mode": resolution.mode, "audience_id": resolution.audience_id}
        return self.session.record_of(self.world.resources[address], remote_id, desired.attributes, resolved=resolved)
