"""How an account answers what Treasure Data's documents leave open, seen in what it lists. Pure.

Evidence is counts: no name, value or address of an account gets into it. An answer is yes or no only where what is seen
proves it; an account without anything to look at cannot tell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeAlias, cast

import orjson

from reconciler.errors import ProviderError
from reconciler.model.exports import SECRET_SETTING
from reconciler.model.json import Json
from reconciler.model.masks import is_mask
from reconciler.model.probe import FactName, Told
from reconciler.providers.treasure_data import wire
from reconciler.providers.treasure_data.wire import Raw

COPES: Final = "nothing: both are read alike"
DEFAULT: Final = "the default stays"
PARENT: Final = "audienceId"
"""Key under which an object below a parent segment carries the id of that, whether or not the vendor tells it."""
_PRIORITIES: Final = range(-2, 3)


class Source(StrEnum):
    """What is read, as it is shown to people."""

    CONNECTIONS = "GET /v4/connections"
    LOOKUP = "GET /v3/connections/lookup?name=NAME"
    RESULTS = "GET /v3/result/list"
    QUERIES = "GET /v3/schedule/list"
    IMPORTS = "GET /v3/bulk_loads"
    USERS = "GET /v3/user/list"
    ACCOUNT = "GET /v3/account/show"
    PARENTS = "GET /audiences"
    ENTITIES = "GET /entities/parent_segments"
    PROJECTS = "GET /api/projects"
    FOLDERS = "GET /audiences/ID/folders"
    SEGMENTS = "GET /audiences/ID/segments"
    ACTIVATIONS = "GET /audiences/ID/syndications"
    RULES = "GET /audiences/ID/segments/ID"


@dataclass(frozen=True, slots=True)
class Lists:
    """What was read. A source that is in none of the three had nothing to be asked about.

    account: the digits that the key says.
    """

    account: str
    read: dict[Source, Sequence[Raw]] = field(default_factory=dict)
    failed: dict[Source, ProviderError] = field(default_factory=dict)
    skipped: set[Source] = field(default_factory=set)
    """Left out because the budget was used up."""

    def of(self, source: Source) -> Sequence[Raw]:
        """What *source* listed; nothing where it could not be read."""
        return self.read.get(source, ())


Seen: TypeAlias = tuple[Told, str]
"""An answer, and what it was recognised by."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact, where it shows, and what follows.

    effects: answer -> what the provider does; an answer that is not in it leaves the default. Empty where nothing depends on it.
    missing: what it means that there is no such address.
    """

    name: FactName
    question: str
    source: Source
    recognise: Callable[[Lists], Seen]
    effects: Mapping[Told, str] = field(default_factory=dict)
    missing: Told = Told.UNKNOWN
    copes: str = COPES

    def effect(self, told: Told) -> str:
        """What the provider does with the answer *told*."""
        return self.effects.get(told, DEFAULT) if self.effects else self.copes


def _answers(source: Source, what: str) -> Callable[[Lists], Seen]:
    return lambda lists: (Told.YES, f"a list of {len(lists.of(source))} {what}")


def _proven(source: Source, what: str, shows: Callable[[Raw], bool], seen: str) -> Callable[[Lists], Seen]:
    """Yes where one of them *shows* it. That none does proves nothing: perhaps none was saved so."""

    def recognise(lists: Lists) -> Seen:
        raws = lists.of(source)
        count = sum(map(shows, raws))
        return (Told.YES if count else Told.UNKNOWN), f"{count} of {len(raws)} {what} {seen}"

    return recognise


def _any(source: Source, what: str, shows: Callable[[Raw], bool], seen: str) -> Callable[[Lists], Seen]:
    """Yes where one of them *shows* it, no where there are some and none does."""

    def recognise(lists: Lists) -> Seen:
        raws = lists.of(source)
        count = sum(map(shows, raws))
        told = Told.UNKNOWN if not raws else Told.YES if count else Told.NO
        return told, f"{count} of {len(raws)} {what} {seen}"

    return recognise


def _all(source: Source, what: str, shows: Callable[[Raw], bool], seen: str) -> Callable[[Lists], Seen]:
    """Yes where each of them *shows* it, no where one does not."""

    def recognise(lists: Lists) -> Seen:
        raws = lists.of(source)
        count = sum(map(shows, raws))
        told = Told.UNKNOWN if not raws else Told.YES if count == len(raws) else Told.NO
        return told, f"{count} of {len(raws)} {what} {seen}"

    return recognise


def _masked(source: Source, settings: Callable[[Raw], Json]) -> Callable[[Lists], Seen]:
    """Whether everything of which the name says that it is a secret reads as a mask that is known here."""

    def recognise(lists: Lists) -> Seen:
        masks = [is_mask(value) for raw in lists.of(source) for value in _secrets(settings(raw))]
        told = Told.UNKNOWN if not masks else Told.YES if all(masks) else Told.NO
        return told, f"{sum(masks)} of {len(masks)} settings that are secret by their name read as a mask"

    return recognise


def _secrets(settings: Json) -> Iterator[str]:
    match settings:
        case dict():
            for name, value in settings.items():
                if isinstance(value, str) and value and SECRET_SETTING.search(name):
                    yield value
                else:
                    yield from _secrets(value)
        case list():
            for value in settings:
                yield from _secrets(value)


def _part(raw: Raw, *names: str) -> Raw:
    part: object = raw
    for name in names:
        part = part.get(name) if isinstance(part, Mapping) else None
    return cast("Raw", part) if isinstance(part, Mapping) else {}


def _result_settings(raw: Raw) -> Json:
    """The settings in the `result` of a saved query and beside its connection, as told; a password in an address counts too."""
    result, told = raw.get("result"), [_json(raw.get("result_connection_settings"))]
    if isinstance(result, str) and "://" in result and "@" in result and not result.startswith("{"):
        userinfo = result.partition("://")[2].rpartition("@")[0]
        told.append({"password": userinfo.partition(":")[2]})
    else:
        told.append(_json(result))
    return told


def _json(text: object) -> Json:
    if not isinstance(text, str) or not text.startswith("{"):
        return None
    try:
        return cast("Json", orjson.loads(text))
    except orjson.JSONDecodeError:
        return None


def _ids_agree(lists: Lists) -> Seen:
    """*LOOKUP* holds the listed one that was looked up, with the id that the lookup told."""
    agree = [wire.text(raw["id"]) == wire.text(raw["looked_up"]) for raw in lists.of(Source.LOOKUP)]
    told = Told.UNKNOWN if not agree else Told.YES if all(agree) else Told.NO
    return told, f"{sum(agree)} of {len(agree)} have the same id in both"


def _results_hold_connections(lists: Lists) -> Seen:
    """By names where connections are listed; else a result that has no address was no result of the older kind."""
    named = {wire.text(raw.get("name")) for raw in lists.of(Source.RESULTS)}
    if connections := lists.of(Source.CONNECTIONS):
        count = sum(wire.text(raw.get("name")) in named for raw in connections)
        told = Told.YES if count == len(connections) else Told.NO
        return told, f"{count} of {len(connections)} connections are in it"
    others = sum("://" not in wire.text(raw.get("url")) for raw in lists.of(Source.RESULTS))
    return (Told.YES if others else Told.UNKNOWN), f"{others} of {len(named)} have no address"


def _key_tells_account(lists: Lists) -> Seen:
    told = wire.text(next(iter(lists.of(Source.ACCOUNT)), {}).get("id"))
    if not told or not lists.account:
        return Told.UNKNOWN, "no id is told"
    same = told == lists.account
    return (Told.YES if same else Told.NO), f"the id is {'' if same else 'not '}that of the key"


def _rules_listed(lists: Lists) -> Seen:
    segments, alone = lists.of(Source.SEGMENTS), lists.of(Source.RULES)
    count = sum(bool(raw.get("rule")) for raw in segments)
    seen = f"{count} of {len(segments)} segments are listed with a rule"
    if left_out := sum(bool(raw.get("rule")) for raw in alone):
        return Told.NO, f"{seen}, {left_out} of {len(alone)} others have one when read alone"
    return (Told.YES if count and (alone or count == len(segments)) else Told.UNKNOWN), seen


def _sundays(lists: Lists) -> Seen:
    days = [wire.text(day) for raw in lists.of(Source.ACTIVATIONS) for day in _days(raw)]
    sevens, zeros = days.count("7"), days.count("0")
    seen = f"{sevens} Sundays are told as 7, {zeros} as 0"
    if bool(sevens) == bool(zeros):
        return Told.UNKNOWN, seen
    return (Told.YES if sevens else Told.NO), seen


def _days(raw: Raw) -> Iterable[object]:
    days = raw.get("repeatSubFrequency")
    return days if isinstance(days, list) and raw.get("repeatUnit") == "week" else ()


FACTS: Final = (
    Fact(
        FactName.CONNECTIONS_LISTED,
        "Are connections listed at the undocumented v4 address?",
        Source.CONNECTIONS,
        _answers(Source.CONNECTIONS, "connections"),
        {
            Told.YES: "one list serves for all connections, and `tdr import --all` finds them",
            Told.NO: "connections are looked up by name only",
        },
        missing=Told.NO,
    ),
    Fact(
        FactName.CONNECTION_IDS_AGREE,
        "Has a connection the same id in its list as when it is looked up?",
        Source.LOOKUP,
        _ids_agree,
        {
            Told.YES: "ids of the list are used",
            Told.NO: "ids are looked up, each alone, for that is the documented way",
        },
    ),
    Fact(
        FactName.CONNECTION_SECRETS_MASKED,
        "Are secrets of connections masked as expected?",
        Source.CONNECTIONS,
        _masked(Source.CONNECTIONS, lambda raw: raw.get("settings")),
        copes="nothing: what is secret by its name is never kept, compared or sent back",
    ),
    Fact(
        FactName.RESULTS_HOLD_CONNECTIONS,
        "Are connections made in the console among the results?",
        Source.RESULTS,
        _results_hold_connections,
        {
            Told.YES: "`tdr import --all` finds connections there where they are not listed at v4",
            Told.NO: "results are not taken for connections",
        },
    ),
    Fact(
        FactName.QUERY_IDS_LISTED,
        "Do saved queries have an id in their list?",
        Source.QUERIES,
        _all(Source.QUERIES, "saved queries", lambda raw: raw.get("id") is not None, "have an id"),
        copes="nothing: the name is the key",
    ),
    Fact(
        FactName.TRINO_KEPT,
        "Does a query of type `trino` read back as that?",
        Source.QUERIES,
        _proven(Source.QUERIES, "saved queries", lambda raw: raw.get("type") == "trino", "read `trino`"),
        copes="nothing: `presto` and `trino` compare as one engine",
    ),
    Fact(
        FactName.PRESETS_KEPT,
        "Does `@daily` read back as that?",
        Source.QUERIES,
        _proven(
            Source.QUERIES, "saved queries", lambda raw: wire.text(raw.get("cron")).startswith("@"), "read a preset"
        ),
        copes="nothing: a preset compares by its meaning",
    ),
    Fact(
        FactName.ENGINE_VERSIONS_TOLD,
        "Is the engine's version of a query told?",
        Source.QUERIES,
        _proven(Source.QUERIES, "saved queries", lambda raw: bool(raw.get("engine_version")), "tell one"),
        copes="nothing: no manifest says one, and it is never sent",
    ),
    Fact(
        FactName.PRIORITIES_IN_RANGE,
        "Are priorities of queries from -2 to 2?",
        Source.QUERIES,
        _all(
            Source.QUERIES, "saved queries", lambda raw: wire.whole(raw.get("priority")) in _PRIORITIES, "are within it"
        ),
        copes="nothing: a query beyond it is not imported, for no manifest can say it",
    ),
    Fact(
        FactName.QUERY_PAIRS_TAKEN,
        "Does a saved query have a connection's id with settings beside?",
        Source.QUERIES,
        _proven(Source.QUERIES, "saved queries", lambda raw: bool(raw.get("result_connection_id")), "have one"),
        {
            Told.YES: "an export with a connection and settings is sent so",
            Told.NO: "an export with a connection and settings is refused",
        },
    ),
    Fact(
        FactName.QUERY_SECRETS_MASKED,
        "Are secrets in the result of a query masked as expected?",
        Source.QUERIES,
        _masked(Source.QUERIES, _result_settings),
        copes="nothing: what is secret by its name is never kept, compared or sent back",
    ),
    Fact(
        FactName.IMPORT_MODES_TOLD,
        "Do imports tell whether they append or replace?",
        Source.IMPORTS,
        _any(Source.IMPORTS, "imports", lambda raw: bool(_part(raw, "config", "out").get("mode")), "tell a mode"),
        {
            Told.YES: "an import without a mode appends",
            Told.NO: "the mode last applied stands for what is there",
        },
    ),
    Fact(
        FactName.IMPORT_SECRETS_MASKED,
        "Are secrets of imports masked as expected?",
        Source.IMPORTS,
        _masked(Source.IMPORTS, lambda raw: raw.get("config")),
        {
            Told.YES: "filters without a mask are sent back as they are told",
            Told.NO: "filters with something secret by its name are never sent back, and then an update is refused",
        },
    ),
    Fact(
        FactName.USERS_LISTED,
        "Are users listed with their addresses?",
        Source.USERS,
        _any(Source.USERS, "users", lambda raw: bool(raw.get("email")), "have an address"),
        {
            Told.YES: "`notify.emails` of an activation are users",
            Told.NO: "`notify` of an activation is refused",
        },
        missing=Told.NO,
    ),
    Fact(
        FactName.KEY_TELLS_ACCOUNT,
        "Are the digits of a key the id of its account?",
        Source.ACCOUNT,
        _key_tells_account,
        copes="nothing: `accounts` of an environment are always held against the key's digits",
    ),
    Fact(
        FactName.CUSTOMER_DATA_ANSWERS,
        "Does the account have parent segments?",
        Source.PARENTS,
        _answers(Source.PARENTS, "parent segments"),
        {
            Told.YES: "that their address is gone is told as a failure",
            Told.NO: "parent segments, segments and activations of these are refused, and not asked for",
        },
        missing=Told.NO,
    ),
    Fact(
        FactName.ENTITIES_ANSWER,
        "Are there the newer addresses by which folders and segments are written?",
        Source.ENTITIES,
        _answers(Source.ENTITIES, "parent segments"),
        missing=Told.NO,
        copes="nothing: they are read elsewhere, and a write that is refused says so",
    ),
    Fact(
        FactName.FOLDER_PARENTS_TOLD,
        "Do folders of segments tell which folder they are in?",
        Source.FOLDERS,
        _any(Source.FOLDERS, "folders", lambda raw: "parentFolderId" in raw, "have the field"),
        {
            Told.YES: "a list of folders is enough",
            Told.NO: "the tree of folders is read besides, at /entities/by-folder",
        },
    ),
    Fact(
        FactName.SEGMENT_RULES_LISTED,
        "Are segments listed with their rules?",
        Source.SEGMENTS,
        _rules_listed,
        copes="nothing: an empty rule is never believed before the segment was read alone",
    ),
    Fact(
        FactName.ACTIVATION_DETAILS_LISTED,
        "Are activations listed with settings and columns?",
        Source.ACTIVATIONS,
        _all(
            Source.ACTIVATIONS,
            "activations",
            lambda raw: bool(raw.get("connectorConfig")) and bool(raw.get("columns") or raw.get("allColumns")),
            "have both",
        ),
        copes="nothing: one listed without them is read alone",
    ),
    Fact(
        FactName.ACTIVATION_SECRETS_MASKED,
        "Are secrets of activations masked as expected?",
        Source.ACTIVATIONS,
        _masked(Source.ACTIVATIONS, lambda raw: raw.get("connectorConfig")),
        {
            Told.YES: "settings without a mask are sent back as they are told",
            Told.NO: "settings with something secret by its name are never sent back, and a change of them is refused",
        },
    ),
    Fact(
        FactName.REPEAT_UNITS_TOLD,
        "Do activations have the newer schedule, of units that repeat?",
        Source.ACTIVATIONS,
        _any(Source.ACTIVATIONS, "activations", lambda raw: bool(raw.get("repeatUnit")), "have a unit"),
        {Told.YES: "schedules are sent as units", Told.NO: "schedules are sent as the older cron"},
    ),
    Fact(
        FactName.SUNDAY_IS_SEVEN,
        "Is Sunday told as 7?",
        Source.ACTIVATIONS,
        _sundays,
        {Told.YES: "Sunday is sent as 7", Told.NO: "Sunday is sent as 0"},
    ),
    Fact(
        FactName.WORKFLOWS_ANSWER,
        "Does the account have workflows?",
        Source.PROJECTS,
        _answers(Source.PROJECTS, "projects, at most one page"),
        {
            Told.YES: "that their address is gone is told as a failure",
            Told.NO: "workflows are refused, and not asked for",
        },
        missing=Told.NO,
    ),
    Fact(
        FactName.ARCHIVE_SUMS_TOLD,
        "Do workflow projects tell a sum of their archive?",
        Source.PROJECTS,
        _all(Source.PROJECTS, "projects", lambda raw: bool(raw.get("archiveMd5")), "tell one"),
        copes="nothing: without one the archive is read",
    ),
)
