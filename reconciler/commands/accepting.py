"""`tdr drift --accept`: what others changed is written into the manifests, which stay as they are otherwise."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reconciler.commands import written_files
from reconciler.commands.answer import Answer
from reconciler.commands.drift import Scan, scan
from reconciler.commands.sole_writing import alone
from reconciler.commands.spec_fields import Place, place_of, sql_in
from reconciler.engine.diff import Rules, differences
from reconciler.engine.drift import Drift, Verdict
from reconciler.errors import ManifestError, TdrError
from reconciler.manifest import Loaded, find_project, load
from reconciler.manifest.files import confined
from reconciler.manifest.loaded import Written
from reconciler.manifest.patching import ABSENT, patch
from reconciler.manifest.source import Undecodable, decode
from reconciler.model.address import Address
from reconciler.model.change import FieldChange
from reconciler.model.json import Json
from reconciler.ports.clock import rfc3339
from reconciler.ports.provider import Context
from reconciler.reports import drift as reports
from reconciler.reports.documents import Document
from reconciler.wiring import Runtime


@dataclass(frozen=True, slots=True)
class Choice:
    """What to accept: all that moved of *address*, or what stands at or below the pointer *path*."""

    address: Address
    path: str = ""

    def takes(self, field: FieldChange) -> bool:
        """Whether *field* is meant."""
        return not self.path or field.path == self.path or field.path.startswith(self.path + "/")


@dataclass(frozen=True, slots=True)
class Accepted:
    """One field and the place it is written to.

    file: relative to the project. written: where the manifests say it; None when it is the text of a file of its own.
    """

    address: Address
    path: str
    place: Place
    file: str
    written: Written | None


def accept(runtime: Runtime, choices: Sequence[Choice], lock_timeout_s: float = 0.0) -> Answer:
    """Write what was found for *choices* into the manifests: all of it, or nothing.

    Raises:
        TdrError: something chosen did not move, could not be read, or cannot be written into its manifest in place.
        LockHeld: another command is writing documents.
    """
    looked = scan(runtime)
    wanted = [_accepted(runtime, looked, entry, field) for choice in choices for entry, field in _moved(looked, choice)]
    accepted = list({(one.address, one.path): one for one in wanted}.values())
    with alone(runtime.project.root, runtime.clock, lock_timeout_s):
        _write(runtime, looked, accepted)
    document = reports.document(looked.report, runtime.environment_name, rfc3339(runtime.clock.now()))
    lines: list[Document] = [
        {
            "address": str(one.address),
            "path": one.path,
            "file": one.file,
            "pointer": one.written.pointer if one.written else one.place.pointer,
            "value": None if one.place.value is ABSENT else _json(one.place.value),
        }
        for one in accepted
    ]
    return Answer(document | {"accepted": list(lines)})


def _json(value: object) -> Json:
    return value  # type: ignore[return-value]


def _moved(looked: Scan, choice: Choice) -> list[tuple[Drift, FieldChange]]:
    """The fields that *choice* means."""
    entry = next((entry for entry in looked.report.entries if entry.address == choice.address), None)
    if entry is None:
        raise TdrError(f"{choice.address} is not in the state", hint="see `tdr state list`")
    if entry.verdict is Verdict.UNKNOWN:
        raise TdrError(f"{entry.address} cannot be read: {entry.note}", hint="nothing was written; try again")
    if entry.verdict is Verdict.MISSING:
        raise TdrError(
            f"{entry.address} was {entry.note}; there is nothing to write down",
            hint=f"remove its document, or let `tdr apply` make it again; `tdr state rm {entry.address}` forgets it",
        )
    fields = [(entry, field) for field in entry.fields if choice.takes(field)]
    if not fields:
        where = f"{choice.address}{choice.path}"
        moved = ", ".join(field.path for field in entry.fields) or "nothing"
        raise TdrError(f"{where} did not move", hint=f"what moved there: {moved}")
    return fields


def _accepted(runtime: Runtime, looked: Scan, entry: Drift, field: FieldChange) -> Accepted:
    resources = runtime.world.resources
    resource = resources.get(entry.address)
    if resource is None:
        raise TdrError(f"no document declares {entry.address}", hint="`tdr import` writes one")
    place = place_of(runtime.world, looked.state, resource, field.path, field.after)  # type: ignore[arg-type]
    if place.file:
        return Accepted(entry.address, field.path, place, place.file, None)
    written = runtime.loaded.written(place.address, place.pointer)
    overlaid = runtime.loaded.overlaid(place.address)
    below = [position for path, position in overlaid.items() if path.startswith(place.pointer + "/")]
    if below and not written.is_overlay:
        raise TdrError(
            f"{entry.address}: a part of {field.path} is overlaid by the environment at {below[0]}",
            hint="edit it there, or in the document, by hand",
        )
    return Accepted(entry.address, field.path, place, written.file, written)


# -- files -------------------------------------------------------------------------------------------------------------


def _write(runtime: Runtime, looked: Scan, accepted: Sequence[Accepted]) -> None:
    """Change the files; when the project does not read as wanted afterwards, all of them are as before."""
    before: dict[Path, bytes] = {}
    after: dict[Path, bytes] = {}
    for one in accepted:
        path = confined(runtime.project.root, one.file)
        if path not in before:
            before[path] = after[path] = _unchanged(runtime, one, path)
        after[path] = _patched(one, after[path])
    written: list[Path] = []
    try:
        for path, data in after.items():
            written_files.replace(path, data)
            written.append(path)
        _prove(runtime, looked, accepted)
    except BaseException:
        for path in written:
            # What somebody saved since is theirs.
            if path.read_bytes() == after[path]:
                written_files.replace(path, before[path])
        raise


def _unchanged(runtime: Runtime, one: Accepted, path: Path) -> bytes:
    """The file that is to be changed, which must say what it did when the project was read.

    Raises:
        TdrError: somebody saved it since, or does not want it written to.
    """
    data = written_files.content(path, one.file)
    if data != _as_read(runtime, one, data):
        raise TdrError(f"{one.file} was changed while tdr looked at the vendors", hint="nothing was written; try again")
    return data


def _as_read(runtime: Runtime, one: Accepted, data: bytes) -> bytes:
    """The file when the project was read; *data* itself when it is text that differs by line ends and mark only."""
    if one.written is not None:
        return one.written.data
    text = sql_in(runtime.world.resources[one.place.address]) or ""
    try:
        return data if decode(data) == text else text.encode()
    except Undecodable:
        return text.encode()


def _patched(one: Accepted, data: bytes) -> bytes:
    if one.written is None:
        text = str(one.place.value)
        mark = b"\xef\xbb\xbf" if data.startswith(b"\xef\xbb\xbf") else b""
        return mark + (text.replace("\n", "\r\n") if b"\r\n" in data else text).encode()
    written, value = one.written, one.place.value
    # In an overlay null takes away; without the key what the document says would hold again.
    new = None if written.is_overlay and value is ABSENT else value
    return patch(data, written.file, written.document, written.pointer, new)


def _prove(runtime: Runtime, looked: Scan, accepted: Sequence[Accepted]) -> None:
    """Read the project again and make sure that it declares what was found.

    Raises:
        TdrError: it does not.
    """
    try:
        loaded = _loaded(runtime)
    except ManifestError as error:
        first = error.diagnostics[0]
        raise TdrError(
            f"what was found is refused in a manifest: {first.message}", hint="nothing was written; edit it by hand"
        ) from error
    ids = {address: record.remote_id for address, record in looked.state.records.items()}
    context = Context(resources=loaded.resources, remote_ids=ids)
    for one in accepted:
        found = looked.found(one.address)
        provider = runtime.world.providers[one.address.kind]
        desired = provider.desired(loaded.resources[one.address], context)
        rules = Rules(runtime.world.traits(one.address), runtime.world.fingerprint)
        seen = found.by_id.attributes if found is not None and found.by_id is not None else {}
        left = [field.path for field in differences(desired.attributes, seen, None, rules)]
        if any(path == one.path for path in left):
            raise TdrError(
                f"{one.address}: {one.path} would still differ when written into {one.file}",
                hint="nothing was written; edit it by hand",
            )


def _loaded(runtime: Runtime) -> Loaded:
    return load(
        find_project(runtime.project.root),  # the files of environments are read with it
        runtime.environment_name,
        cache_dir=None,
        variables=runtime.loaded.environment.variables,
        environ=os.environ,
        resolve_secrets=True,
    )
