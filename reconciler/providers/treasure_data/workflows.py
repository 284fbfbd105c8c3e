"""Workflow projects: their files, whether their schedules start anything, and their secrets.

A project is compared by its files. The vendor tells a sum of the archive it was sent, so a project that is as declared costs no
download; whatever else was pushed, by whomever, is fetched and compared file by file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, cast

from reconciler.apis.treasure_data_workflows import Workflows
from reconciler.diagnostics import Diagnostic
from reconciler.errors import Conflict, NotFound, Permanent, ProviderError
from reconciler.model.address import Address
from reconciler.model.json import Json
from reconciler.model.observation import Finding, Observation, Seen, Unreadable
from reconciler.model.resource import Resource
from reconciler.model.secret import Secret
from reconciler.ports.listing import Found, Unlisted
from reconciler.ports.provider import Context, FieldClass, KindTraits, Wanted
from reconciler.ports.readers import readers
from reconciler.providers.treasure_data import wire, workflow_files
from reconciler.providers.treasure_data.family import Attributes, settled, unreadable
from reconciler.providers.treasure_data.names import name_of, timing
from reconciler.providers.treasure_data.timings import Timings
from reconciler.providers.treasure_data.wire import Raw
from reconciler.schedule import ScheduleError, parse, workflow_remarks
from reconciler.workflow.archive import ArchiveRefused

KIND: Final = "workflow"
_AT_ONCE: Final = 8
_SOME: Final = "some"
"""What `enabled` reads as when some schedules of a project are on and others off."""


class WorkflowProjects:
    """The family of workflow projects. There is no renaming."""

    kinds: Mapping[str, KindTraits] = {
        KIND: KindTraits(
            classes={"/name": FieldClass.IMMUTABLE, "/secret_keys": FieldClass.SET},
            defaults={"enabled": True},
        )
    }

    def __init__(self, api: Workflows, timings: Timings) -> None:
        """Speak through *api*; read cron texts as *timings* does."""
        self._api = api
        self._timings = timings

    def check(self, resource: Resource, context: Context) -> Iterator[Diagnostic]:
        """Its files, and when its tasks run."""
        yield from workflow_files.problems(resource, context)
        spec = workflow_files.spec_of(resource)
        yield from self._timings.problems(resource.address, spec.schedule, context)
        declared = timing(spec.schedule, context)
        if declared is None or not declared.cron:
            return
        try:
            remarks = workflow_remarks(parse(declared.cron, self._timings.dialect))
        except ScheduleError:
            return  # said above
        for remark in remarks:
            yield Diagnostic(
                remark.rule, remark.message, remark.severity, subject=str(resource.address), path="/spec/schedule"
            )

    def attributes(self, resource: Resource, context: Context) -> Attributes:
        """Its name and files, and what it says of schedules and secrets."""
        spec = workflow_files.spec_of(resource)
        wanted: dict[str, object] = {
            "name": name_of(resource, context),
            "files": workflow_files.texts(resource, context),
        }
        if spec.enabled is not None:
            wanted["enabled"] = spec.enabled
        if spec.secrets is not None:
            wanted["secrets"] = dict(spec.secrets)
            wanted["secret_keys"] = sorted(spec.secrets)
        return cast("Attributes", wanted)

    def observe(self, wanted: Sequence[Wanted], context: Context) -> Mapping[Address, Seen]:
        """One list for all, and two calls for each that is there."""
        try:
            listed = self._api.projects()
        except ProviderError as error:
            return unreadable(wanted, error)
        by_id = {wire.text(raw["id"]): raw for raw in listed}
        by_name = {wire.text(raw.get("name")): raw for raw in listed}

        def look(question: Wanted) -> Seen:
            remembered = by_id.get(question.record.remote_id) if question.record else None
            named = by_name.get(name_of(question.resource, context)) if question.resource else None
            files = workflow_files.texts(question.resource, context) if question.resource else {}
            try:
                found = None if remembered is None else observed_project(self._api, remembered, files)
                if named is None:
                    return Finding(found)
                is_one = found is not None and named is remembered
                return Finding(found, (found if is_one and found else observed_project(self._api, named, files),))
            except ProviderError as error:
                return Unreadable(error)

        if not wanted:
            return {}
        with readers(_AT_ONCE, "workflows") as pool:
            return dict(zip((question.address for question in wanted), pool.map(look, wanted), strict=True))

    def create(self, resource: Resource, attributes: Attributes) -> Observation:
        """Push the first revision, then set its secrets and schedules.

        Raises:
            Conflict: there is a project of that name, which a push would go into.
        """
        settled(attributes, resource)
        name = str(attributes["name"])
        if self._api.project(name) is not None:
            raise Conflict(f"there is a workflow project {name!r} already", status=409)
        return self._write(resource, "", attributes, frozenset(attributes))

    def update(
        self, resource: Resource, remote_id: str, attributes: Attributes, changed: frozenset[str]
    ) -> Observation:
        """Push a revision when files changed; set secrets and schedules.

        Raises:
            NotFound: it is gone.
        """
        settled({name: attributes[name] for name in changed if name in attributes}, resource)
        return self._write(resource, remote_id, attributes, changed)

    def delete(self, address: Address, remote_id: str) -> None:
        """Remove it with its sessions."""
        del address
        self._api.delete_project(remote_id)

    def disable(self, address: Address, remote_id: str) -> None:
        """Let none of its schedules start anything."""
        del address
        self._switch(remote_id, enabled=False)

    def _write(
        self, resource: Resource, remote_id: str, attributes: Attributes, changed: frozenset[str]
    ) -> Observation:
        name = str(attributes["name"])
        files = cast("Mapping[str, str]", attributes["files"])
        there = self._api.project(name) if remote_id else None
        if remote_id and (there is None or wire.text(there["id"]) != remote_id):
            raise NotFound(f"{resource.address}: there is no workflow project {remote_id} called {name!r}")
        project_id = remote_id
        if "files" in changed:
            before = "" if there is None else wire.text(there.get("revision"))
            pushed = self._api.push(name, workflow_files.revision(files, before), workflow_files.packed(files))
            project_id = wire.text(pushed["id"])
        # A push may bring schedules that are new, and those are on.
        if changed & {"enabled", "files"} and isinstance(attributes.get("enabled"), bool):
            self._switch(project_id, enabled=attributes["enabled"] is True)
        if changed & {"secrets", "secret_keys"}:
            self._set_secrets(project_id, cast("Mapping[str, Secret]", attributes.get("secrets") or {}))
        raw = self._api.project(name)
        if raw is None:
            raise Permanent(f"{resource.address}: the project {name!r} was pushed and is not listed")
        return observed_project(self._api, raw, files)

    def _set_secrets(self, project_id: str, secrets: Mapping[str, Secret]) -> None:
        for key, secret in sorted(secrets.items()):
            self._api.set_secret(project_id, key, secret.reveal())
        for key in self._api.secret_keys(project_id):
            if key not in secrets:
                self._api.delete_secret(project_id, key)

    def _switch(self, project_id: str, *, enabled: bool) -> None:
        for schedule in self._api.schedules(project_id):
            if (schedule.get("disabledAt") is None) != enabled:
                switch = self._api.enable_schedule if enabled else self._api.disable_schedule
                switch(wire.text(schedule["id"]))


def observed_project(api: Workflows, raw: Raw, expected: Mapping[str, str]) -> Observation:
    """A project as the vendor tells it; its archive is fetched unless it is that of the files *expected*.

    Raises:
        ProviderError: a part of it cannot be read.
    """
    project_id = wire.text(raw["id"])
    schedules = api.schedules(project_id)
    states = {schedule.get("disabledAt") is None for schedule in schedules}
    attributes: dict[str, Json] = {
        "name": wire.text(raw.get("name")),
        "files": dict[str, Json](_files(api, raw, expected)),
        "enabled": states.pop() if len(states) == 1 else _SOME if states else True,
        "secret_keys": list[Json](sorted(api.secret_keys(project_id))),
        "secrets": {},
    }
    computed: dict[str, Json] = {"revision": raw.get("revision")}
    following = sorted(wire.text(one["nextRunTime"]) for one in schedules if one.get("nextRunTime"))
    if following:
        computed["next_run_time"] = following[0]
    return Observation(project_id, attributes, computed, wire.unix_seconds(raw.get("createdAt")))


def workflow_listing(api: Workflows, *, answers: bool | None = None) -> Iterator[Found | Unlisted]:
    """All projects; nothing where an account has no workflows.

    answers: whether it has; None where nobody knows, and an address that is not there says so.
    """
    if answers is False:
        return
    try:
        projects = api.projects()
    except NotFound as error:
        if answers:
            yield Unlisted("treasure_data: workflows", error.message)
        return
    except ProviderError as error:
        yield Unlisted("treasure_data: workflows", error.message)
        return
    for raw in projects:
        name = wire.text(raw.get("name"))
        try:
            yield Found(KIND, name, observed_project(api, raw, {}))
        except ProviderError as error:
            yield Unlisted(f"treasure_data: workflow {name}", error.message)


def _files(api: Workflows, raw: Raw, expected: Mapping[str, str]) -> Mapping[str, str]:
    if expected and workflow_files.md5(workflow_files.packed(expected)) == raw.get("archiveMd5"):
        return expected
    try:
        return workflow_files.unpacked(api.archive(wire.text(raw["id"])))
    except ArchiveRefused as error:
        name = wire.text(raw.get("name"))
        raise Permanent(f"treasure_data: the archive of workflow project {name!r} cannot be read: {error}") from error
