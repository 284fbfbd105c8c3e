"""Two simulated vendors behind the provider port: one that runs exports, one that holds the audiences they make."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reconciler.diagnostics import Diagnostic
from reconciler.engine.diff import without_secrets
from reconciler.errors import Conflict, Denied, NotFound, OutcomeUnknown, Permanent
from reconciler.model.activation import AudienceVerbs, Verb
from reconciler.model.address import Address
from reconciler.model.egress import Outflow
from reconciler.model.kinds import ActivationSpec, AudienceSpec, Membership, QuerySpec
from reconciler.model.observation import Finding, Observation, Seen, Unreadable
from reconciler.model.record import Record
from reconciler.model.resource import Resource
from reconciler.model.secret import Secret
from reconciler.ports.provider import Context, Desired, FieldClass, Job, JobStatus, KindTraits, Wanted

VERBS = AudienceVerbs(
    create="CREATE",
    create_title_setting="name",
    create_description_setting="text",
    on_existing={membership: Verb(membership.name, f"id_{membership.value}") for membership in Membership},
)


@dataclass
class Clock:
    """Time that passes only when somebody waits."""

    seconds: float = 1_700_000_000.0

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@dataclass
class AudienceVendor:
    """Holds audiences; titles are not unique, and it has no call that makes one."""

    clock: Clock
    name: str = "audiences"
    kinds: Mapping[str, KindTraits] = field(
        default_factory=lambda: {
            "audience": KindTraits(classes={"/account": FieldClass.IMMUTABLE}, visible_within_s=60, verbs=VERBS)
        }
    )
    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    denied: bool = False
    api_calls: int = 0
    ids: Iterable[int] = field(default_factory=lambda: itertools.count(501))
    account_name: str = "acc-1"
    log: list[str] = field(default_factory=list)
    makes_in: str = "549700000001"
    """The account in which exports make audiences."""

    def account(self) -> str:
        if self.account_name == "":
            raise Denied("who are you", status=401)
        return self.account_name

    def check(self, resource: Resource, context: Context) -> Iterable[Diagnostic]:
        return ()

    def desired(self, resource: Resource, context: Context) -> Desired:
        spec = resource.spec
        assert isinstance(spec, AudienceSpec)
        attributes = {"title": spec.title, "account": spec.ad_account_id}
        if spec.description is not None:
            attributes["description"] = spec.description
        return Desired(f"audiences/{spec.title}", attributes)

    def observe(self, wanted: Sequence[Wanted], context: Context) -> Mapping[Address, Seen]:
        self.api_calls += 1
        if self.denied:
            return {question.address: Unreadable(Denied("no access", status=403)) for question in wanted}
        seen: dict[Address, Seen] = {}
        for question in wanted:
            by_id = self.objects.get(question.record.remote_id) if question.record else None
            title = question.resource.spec.title if question.resource else None  # type: ignore[attr-defined]
            seen[question.address] = Finding(
                self._observation(question.record.remote_id, by_id) if question.record and by_id else None,
                tuple(
                    self._observation(key, made) for key, made in sorted(self.objects.items()) if made["title"] == title
                ),
            )
        return seen

    def _observation(self, remote_id: str, made: Mapping[str, Any]) -> Observation:
        attributes = {key: value for key, value in made.items() if key not in {"created_at", "members"}}
        return Observation(remote_id, attributes, {"size": len(made["members"])}, int(made["created_at"]))

    def make(self, title: str, members: Iterable[str], description: str = "", account: str = "") -> str:
        remote_id = str(next(iter(self.ids)))  # type: ignore[call-overload]
        self.objects[remote_id] = {
            "title": title,
            "account": account or self.makes_in,
            "description": description,
            "created_at": self.clock.now(),
            "members": set(members),
        }
        return remote_id

    def create(self, resource: Resource, desired: Desired) -> Observation:
        raise Permanent("an audience is made of members")

    def update(self, resource: Resource, remote_id: str, desired: Desired, paths: Sequence[str]) -> Observation:
        self.log.append(f"update {remote_id} {' '.join(paths)}")
        if remote_id not in self.objects:
            raise NotFound("no such audience", status=404)
        self.objects[remote_id].update(without_secrets(desired.attributes))
        return self._observation(remote_id, self.objects[remote_id])

    def delete(self, address: Address, remote_id: str, record: Record) -> None:
        self.log.append(f"delete {remote_id}")
        self.objects.pop(remote_id, None)

    def disable(self, address: Address, remote_id: str, record: Record) -> None:
        raise Permanent("an audience cannot be disabled")


def outflow(attributes: Mapping[str, object]) -> Outflow | None:
    """Every export goes to one place, which takes e-mail addresses hashed and phone numbers as they are."""
    if not attributes.get("export"):
        return None
    return Outflow("ads:549700000001", str(attributes["sql"]), "trino", {"email": "sha256", "phone": ""})


@dataclass
class ExportVendor:
    """Holds saved queries by name and runs them. An export told to create fails when the audience exists."""

    clock: Clock
    audiences: AudienceVendor
    rows: set[str] = field(default_factory=lambda: {"a", "b", "c"})
    name: str = "exports"
    kinds: Mapping[str, KindTraits] = field(
        default_factory=lambda: {
            "query": KindTraits(classes={"/database": FieldClass.IMMUTABLE}, defaults={"priority": 0}),
            "activation": KindTraits(defaults={"priority": 0}, outflow=outflow),
        }
    )
    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    ran: dict[str, Job] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    denied: bool = False
    api_calls: int = 0
    account_name: str = "td-1"
    log: list[str] = field(default_factory=list)
    before_write: Callable[[str, str], None] = lambda verb, name: None
    after_write: Callable[[str, str], None] = lambda verb, name: None
    fail_run_after_making: int = 0
    """So many runs from now make the audience, add one member and then fail."""

    def account(self) -> str:
        if self.account_name == "":
            raise Denied("who are you", status=401)
        return self.account_name

    def check(self, resource: Resource, context: Context) -> Iterable[Diagnostic]:
        return ()

    def desired(self, resource: Resource, context: Context) -> Desired:
        spec = resource.spec
        attributes: dict[str, Any] = {}
        if isinstance(spec, ActivationSpec):
            attributes |= {"sql": spec.from_.query.sql, "cron": spec.schedule.cron if spec.schedule else ""}  # type: ignore[union-attr]
            if spec.priority is not None:
                attributes["priority"] = spec.priority
            resolution = context.resolution
            if resolution is not None:
                attributes["export"] = {
                    "action": resolution.mode,
                    **resolution.settings,
                    "token": Secret("env:TOKEN", "FAKE-token"),
                }
                if resolution.mode == VERBS.create:
                    attributes["cron"] = ""
        elif isinstance(spec, QuerySpec):
            attributes |= {"sql": spec.sql, "database": spec.database}
        return Desired(f"exports/{resource.address.name}", attributes)

    def observe(self, wanted: Sequence[Wanted], context: Context) -> Mapping[Address, Seen]:
        self.api_calls += 1
        if self.denied:
            return {question.address: Unreadable(Denied("no access", status=403)) for question in wanted}
        return {question.address: self._finding(question) for question in wanted}

    def _finding(self, question: Wanted) -> Finding:
        remote_id = question.record.remote_id if question.record else question.address.name
        by_name = self.objects.get(question.address.name)
        return Finding(
            self._observation(remote_id) if question.record and remote_id in self.objects else None,
            (self._observation(question.address.name),) if question.resource and by_name is not None else (),
        )

    def _observation(self, name: str) -> Observation:
        return Observation(name, self.objects[name])

    def _write(self, verb: str, name: str, act: Callable[[], None]) -> None:
        self.log.append(f"{verb} {name}")
        self.before_write(verb, name)
        act()
        self.after_write(verb, name)

    def create(self, resource: Resource, desired: Desired) -> Observation:
        name = resource.address.name
        if name in self.objects:
            raise Conflict(f"{name} exists", status=409)
        self._write("create", name, lambda: self.objects.update({name: without_secrets(desired.attributes)}))
        return self._observation(name)

    def update(self, resource: Resource, remote_id: str, desired: Desired, paths: Sequence[str]) -> Observation:
        if remote_id not in self.objects:
            raise NotFound(f"no {remote_id}", status=404)
        self._write("update", remote_id, lambda: self.objects[remote_id].update(without_secrets(desired.attributes)))
        return self._observation(remote_id)

    def delete(self, address: Address, remote_id: str, record: Record) -> None:
        self._write("delete", remote_id, lambda: self.objects.pop(remote_id, None) and None)

    def disable(self, address: Address, remote_id: str, record: Record) -> None:
        self._write("disable", remote_id, lambda: self.objects[remote_id].update(cron=""))

    # -- runs ----------------------------------------------------------------------------------------------------

    def run(self, address: Address, remote_id: str, domain_key: str) -> str:
        if domain_key in self.keys:
            return self.keys[domain_key]
        job_id = str(len(self.ran) + 1)
        self.keys[domain_key] = job_id
        self._write("run", remote_id, lambda: self._deliver(job_id, remote_id))
        return job_id

    def _deliver(self, job_id: str, name: str) -> None:
        export = self.objects[name]["export"]
        action = export["action"]
        if action == VERBS.create:
            if any(made["title"] == export["name"] for made in self.audiences.objects.values()):
                self.ran[job_id] = Job(job_id, JobStatus.ERROR, log=f"audience {export['name']} exists already")
                return
            made = self.audiences.make(export["name"], set(), export.get("text", ""))
        else:
            made = next(value for key, value in export.items() if key.startswith("id_"))
        members = self.audiences.objects[made]["members"]
        if self.fail_run_after_making:
            self.fail_run_after_making -= 1
            members.add("a")
            self.ran[job_id] = Job(job_id, JobStatus.ERROR, log="connection lost")
            return
        if action in {"REPLACE", VERBS.create}:
            members.clear()
        if action in {"REPLACE", "ADD", VERBS.create}:
            members.update(self.rows)
        elif action == "REMOVE":
            members.difference_update(self.rows)
        elif action == "CLEAR":
            members.clear()
        self.ran[job_id] = Job(job_id, JobStatus.SUCCESS, done=len(self.rows))

    def job(self, job_id: str) -> Job:
        return self.ran.get(job_id, Job(job_id, JobStatus.ERROR, log="the process ended while it ran"))

    def last_job(self, address: Address, remote_id: str) -> Job | None:
        return next(reversed(self.ran.values()), None)

    def jobs(self, address: Address, remote_id: str, limit: int) -> list[Job]:
        return list(reversed(self.ran.values()))[:limit]


def lost(verb: str) -> Callable[[str, str], None]:
    """An `after_write` that loses the answer of the first *verb*."""
    left = [1]

    def after(done: str, name: str) -> None:
        if done == verb and left:
            left.clear()
            raise OutcomeUnknown(f"no answer to {done} {name}")

    return after
