"""The set `privacy`: what is known of people stays no longer and goes no further than somebody decided."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model.kinds import ActivationSpec, TableSpec
from reconciler.model.policy import Level
from reconciler.model.resource import Resource
from reconciler.model.row_activations import FileActivationSpec, ObjectActivationSpec
from reconciler.policy.columns import columns_of, pii_class
from reconciler.policy.rules import Declared, Found, Rule

_SQL = "/spec/from/query/sql"


def _unnamed_columns(resource: Resource, declared: Declared) -> Iterator[Found]:
    del declared
    spec = resource.spec
    if not isinstance(spec, ActivationSpec | ObjectActivationSpec | FileActivationSpec):
        return
    if isinstance(spec, ActivationSpec) and spec.all_columns:
        yield Found("/spec/all_columns", "sends columns that it does not name")
    source = spec.sql
    if source is not None and columns_of(source.sql or "", source.engine.value) is None:
        yield Found(_SQL, "sends columns that its query does not name")


def _more_than_needed(resource: Resource, declared: Declared) -> Iterator[Found]:
    del declared
    spec = resource.spec
    if not isinstance(spec, ActivationSpec):
        return
    told = [f"{name} ({pii})" for name, pii in _identifying(spec)]
    if len(told) > 1:
        place = "/spec/columns" if spec.sql is None else _SQL
        yield Found(place, f"puts out several things about a person: {', '.join(told)}")


def _identifying(spec: ActivationSpec) -> Iterator[tuple[str, str]]:
    """Columns that leave and tell something of a person, each with what."""
    if spec.sql is None:
        named = {one.name: pii_class(one.name) or pii_class(one.column or "") for one in spec.columns or ()}
    else:
        columns = columns_of(spec.sql.sql or "", spec.sql.engine.value) or ()
        named = {column.name: pii_class(column.name) for column in columns}
    return ((name, pii) for name, pii in named.items() if pii)


def _kept_for_ever(resource: Resource, declared: Declared) -> Iterator[Found]:
    del declared
    spec = resource.spec
    if not isinstance(spec, TableSpec) or spec.expire_days:
        return
    told = [column.name for column in spec.columns if pii_class(column.name)]
    if told:
        yield Found("/spec/expire_days", f"keeps {', '.join(told)} for ever")


def _no_owner(resource: Resource, declared: Declared) -> Iterator[Found]:
    del declared
    if not resource.labels.get("owner"):
        yield Found("/metadata/labels", "names nobody who answers for what it sends")


RULES = (
    Rule(
        "columns-not-named",
        Level.GATE,
        frozenset({"activation"}),
        "An activation names its columns, so that a new column of a table does not start leaving by itself.",
        "name the columns instead of `*`, or in `columns` instead of `all_columns`",
        _unnamed_columns,
    ),
    Rule(
        "more-than-one-identifier",
        Level.WARN,
        frozenset({"activation"}),
        "An activation puts out one thing about a person, the one that its destination matches by.",
        "leave the other columns out",
        _more_than_needed,
    ),
    Rule(
        "personal-data-expires",
        Level.WARN,
        frozenset({"table"}),
        "A table with personal data says after how many days its rows expire.",
        "write `expire_days`",
        _kept_for_ever,
    ),
    Rule(
        "activation-has-owner",
        Level.WARN,
        frozenset({"activation"}),
        "An activation has a label `owner`.",
        "write `labels: {owner: TEAM}` below `metadata`",
        _no_owner,
    ),
)
