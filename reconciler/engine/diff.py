"""Three-way comparison, field by field: declared, last applied, remote now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias, cast

from reconciler.engine.world import Fingerprint
from reconciler.model.change import FieldChange, Origin
from reconciler.model.json import Json, canonical
from reconciler.model.record import Record
from reconciler.model.secret import MASK, OF_ANOTHER_KEY, Secret, is_another
from reconciler.model.unknown import Unknown
from reconciler.ports.provider import FieldClass, KindTraits

Leaf: TypeAlias = "Json | Secret | Unknown"
Tree: TypeAlias = Mapping[str, "Leaf | Tree"]

_MISSING = object()


@dataclass(frozen=True, slots=True)
class Rules:
    """How the fields of one resource are compared.

    ignored: pointers that others may change.
    upgraded_in: this release of tdr, where what is declared is what an earlier one applied; else "".
    """

    traits: KindTraits
    fingerprint: Fingerprint
    ignored: tuple[str, ...] = ()
    upgraded_in: str = ""

    def ignores(self, path: str) -> bool:
        """Whether the field at *path* is none of ours."""
        return any(path == pointer or path.startswith(pointer + "/") for pointer in self.ignored)


def differences(
    desired: Tree, remote: Mapping[str, Json], record: Record | None, rules: Rules
) -> tuple[FieldChange, ...]:
    """What must change at the vendor so that it is as *desired*, sorted by path.

    Only declared fields are compared. A field that was declared when last applied and is not any more returns to the
    vendor's documented default where there is one, or goes where its kind says so (see `KindTraits.removes`); else it is left
    alone.
    """
    applied = record.applied if record else None
    wanted = _with_defaults_restored(desired, applied, rules.traits)
    if not rules.ignored and wanted == remote and (applied is None or applied == wanted):
        return ()
    fingerprints = record.fingerprints if record else {}
    changes = _walk("", wanted, remote, applied, rules, fingerprints)
    return tuple(sorted(change for change in changes if not rules.ignores(change.path)))


def _with_defaults_restored(desired: Tree, applied: Mapping[str, Json] | None, traits: KindTraits) -> Tree:
    if applied is None:
        return desired
    dropped = {name: default for name, default in traits.defaults.items() if name in applied and name not in desired}
    emptied: dict[str, Leaf | Tree] = {
        name: {} for name in (pointer[1:] for pointer in traits.removes) if name in applied and name not in desired
    }
    return {**desired, **dropped, **emptied} if dropped or emptied else desired


def _walk(
    at: str,
    desired: Tree,
    remote: Mapping[str, Json],
    applied: Mapping[str, Json] | None,
    rules: Rules,
    fingerprints: Mapping[str, str],
) -> Iterator[FieldChange]:
    for name, want in desired.items():
        path = f"{at}/{name}"
        if isinstance(want, Secret):
            known, now = fingerprints.get(path), rules.fingerprint(want, path)
            another = True if known is None else is_another(known, now)
            if another is not False:
                before = None if known is None else MASK if another else OF_ANOTHER_KEY
                yield FieldChange(path, before, MASK, Origin.CONFIG, secret=True)
            continue
        have = remote.get(name)
        last: object = _MISSING if applied is None else applied.get(name, _MISSING)
        if isinstance(want, Unknown):
            yield FieldChange(path, have, want, Origin.CONFIG)
        elif isinstance(want, Mapping):
            below = have if isinstance(have, Mapping) else {}
            last_below = last if isinstance(last, Mapping) else (None if applied is None else {})
            yield from _walk(path, want, below, last_below, rules, fingerprints)
        else:
            field_class = rules.traits.classes.get(path, FieldClass.INPUT)
            if field_class is FieldClass.WRITE_ONLY:
                have = None if last is _MISSING else cast("Json", last)
            if not _equal(want, have, field_class):
                origin = _origin(want, have, last, field_class)
                if rules.upgraded_in and applied is not None:
                    yield _not_edited(FieldChange(path, have, want, origin), rules.upgraded_in)
                    continue
                applied_last = cast("Json", last) if origin is Origin.BOTH else None
                yield FieldChange(path, have, want, origin, applied=applied_last)
    yield from _removed(at, desired, remote, applied, rules, fingerprints)


def _removed(
    at: str,
    desired: Tree,
    remote: Mapping[str, Json],
    applied: Mapping[str, Json] | None,
    rules: Rules,
    fingerprints: Mapping[str, str],
) -> Iterator[FieldChange]:
    """What was declared below *at* and is not any more, where that goes at the vendor, too, and has not gone yet."""
    if applied is None or not any(at == pointer or at.startswith(pointer + "/") for pointer in rules.traits.removes):
        return
    for name, last in applied.items():
        have = remote.get(name)
        if name in desired or have is None:
            continue
        if isinstance(last, Mapping) and isinstance(have, Mapping):
            yield from _removed(f"{at}/{name}", {}, have, last, rules, {})
        else:
            origin = _origin(None, have, last, FieldClass.INPUT)
            yield FieldChange(f"{at}/{name}", have, None, origin, applied=last if origin is Origin.BOTH else None)
    declared = {path for path, _ in secrets_in(desired, at)}
    for path in fingerprints:
        if at in rules.traits.removes and path.startswith(at + "/") and path not in declared:
            yield FieldChange(path, MASK, None, Origin.CONFIG, secret=True)


def _equal(one: object, other: object, field_class: FieldClass) -> bool:
    if one == other:
        return True
    if field_class is FieldClass.SET and isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return sorted(map(canonical, one)) == sorted(map(canonical, other))
    return isinstance(one, tuple) and isinstance(other, list) and list(one) == other


def _origin(want: object, have: object, last: object, field_class: FieldClass) -> Origin:
    """Who moved: the manifest since it was applied, somebody at the vendor, or both."""
    if last is _MISSING or _equal(last, have, field_class):
        return Origin.CONFIG
    return Origin.DRIFT if _equal(last, want, field_class) else Origin.BOTH


def _not_edited(change: FieldChange, release: str) -> FieldChange:
    """*change* of what no manifest moved: by the *release* that says it otherwise, or by somebody at the vendor."""
    if change.origin is Origin.CONFIG:
        return replace(change, origin=Origin.UPGRADE, introduced_in=release)
    return replace(change, origin=Origin.DRIFT)


def secrets_in(desired: Tree, at: str = "") -> Iterator[tuple[str, Secret]]:
    """Each secret leaf with its JSON pointer."""
    for name, value in desired.items():
        if isinstance(value, Secret):
            yield f"{at}/{name}", value
        elif isinstance(value, Mapping):
            yield from secrets_in(value, f"{at}/{name}")


def without_secrets(desired: Tree) -> dict[str, Json]:
    """The comparable part, as state remembers it: secret and unknown leaves left out."""
    plain: dict[str, Json] = {}
    for name, value in desired.items():
        if isinstance(value, Secret | Unknown):
            continue
        plain[name] = without_secrets(value) if isinstance(value, Mapping) else value
    return plain
