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
from reconciler.model.probe import Told
from reconciler.providers.treasure_data import wire
from reconciler.providers.treasure_data.wire import Raw

PARENT: Final = "audienceId"
"""Key under which an object below a parent segment carries the id of that, whether or not the vendor tells it."""


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
    ACTIVATION = "GET /audiences/ID/segments/ID/syndications/ID"
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


def answers(source: Source, what: str) -> Callable[[Lists], Seen]:
    """Yes for any list."""
    return lambda lists: (Told.YES, f"a list of {len(lists.of(source))} {what}")


def proven(source: Source, what: str, shows: Callable[[Raw], bool], seen: str) -> Callable[[Lists], Seen]:
    """Yes where one of them *shows* it. That none does proves nothing: perhaps none was saved so."""
    return _counted(source, what, shows, seen, lambda count, _all: Told.YES if count else Told.UNKNOWN)


def some(source: Source, what: str, shows: Callable[[Raw], bool], seen: str) -> Callable[[Lists], Seen]:
    """Yes where one of them *shows* it, no where there are some and none does."""
    return _counted(source, what, shows, seen, lambda count, _all: Told.YES if count else Told.NO)


def every(source: Source, what: str, shows: Callable[[Raw], bool], seen: str) -> Callable[[Lists], Seen]:
    """Yes where each of them *shows* it, no where one does not."""
    return _counted(source, what, shows, seen, lambda count, all_: Told.YES if count == all_ else Told.NO)


def _counted(
    source: Source, what: str, shows: Callable[[Raw], bool], seen: str, judge: Callable[[int, int], Told]
) -> Callable[[Lists], Seen]:
    def recognise(lists: Lists) -> Seen:
        raws = lists.of(source)
        count = sum(map(shows, raws))
        return judge(count, len(raws)) if raws else Told.UNKNOWN, f"{count} of {len(raws)} {what} {seen}"

    return recognise


def masked(source: Source, settings: Callable[[Raw], Json], besides: Source | None = None) -> Callable[[Lists], Seen]:
    """Whether everything of which the name says that it is a secret reads as a mask that is known here."""

    def recognise(lists: Lists) -> Seen:
        raws = [*lists.of(source), *(lists.of(besides) if besides else ())]
        masks = [is_mask(value) for raw in raws for value in _secrets(settings(raw))]
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


def part(raw: Raw, *names: str) -> Raw:
    """The object below *names*; an empty one where there is none."""
    part: object = raw
    for name in names:
        part = part.get(name) if isinstance(part, Mapping) else None
    return cast("Raw", part) if isinstance(part, Mapping) else {}


def result_settings(raw: Raw) -> Json:
    """The settings in the `result` of a saved query and beside its connection, as told; credentials in an address count, too."""
    result = raw.get("result")
    told = [_json(raw.get("result_connection_settings")), _json(result)]
    if isinstance(result, str) and "://" in result and "@" in result and not result.startswith("{"):
        scheme, _, rest = result.partition("://")
        user, _, password = rest.rpartition("@")[0].partition(":")
        told.append({"password": password or (user if scheme == "td" else "")})  # the user of td:// is an API key
    return told


def _json(told: object) -> Json:
    if isinstance(told, dict):
        return told
    if not isinstance(told, str) or not told.startswith("{"):
        return None
    try:
        return cast("Json", orjson.loads(told))
    except orjson.JSONDecodeError:
        return None


def ids_agree(lists: Lists) -> Seen:
    """*LOOKUP* holds the listed one that was looked up, with the id that the lookup told."""
    agree = [wire.text(raw["id"]) == wire.text(raw["looked_up"]) for raw in lists.of(Source.LOOKUP)]
    told = Told.UNKNOWN if not agree else Told.YES if all(agree) else Told.NO
    return told, f"{sum(agree)} of {len(agree)} have the same id in both"


def results_hold_connections(lists: Lists) -> Seen:
    """By names where connections are listed; else a result that has no address was no result of the older kind."""
    named = {wire.text(raw.get("name")) for raw in lists.of(Source.RESULTS)}
    if connections := lists.of(Source.CONNECTIONS):
        count = sum(wire.text(raw.get("name")) in named for raw in connections)
        told = Told.YES if count == len(connections) else Told.NO
        return told, f"{count} of {len(connections)} connections are in it"
    others = sum("://" not in wire.text(raw.get("url")) for raw in lists.of(Source.RESULTS))
    return (Told.YES if others else Told.UNKNOWN), f"{others} of {len(named)} have no address"


def key_tells_account(lists: Lists) -> Seen:
    """Whether the account's id is what stands before the slash of the key."""
    told = wire.text(next(iter(lists.of(Source.ACCOUNT)), {}).get("id"))
    if not told or not lists.account:
        return Told.UNKNOWN, "no id is told"
    same = told == lists.account
    return (Told.YES if same else Told.NO), f"the id is {'' if same else 'not '}that of the key"


def rules_listed(lists: Lists) -> Seen:
    """No where a segment that is listed without a rule has one when it is read alone."""
    segments, alone = lists.of(Source.SEGMENTS), lists.of(Source.RULES)
    count = sum(bool(raw.get("rule")) for raw in segments)
    seen = f"{count} of {len(segments)} segments are listed with a rule"
    if left_out := sum(bool(raw.get("rule")) for raw in alone):
        return Told.NO, f"{seen}, {left_out} of {len(alone)} others have one when read alone"
    return (Told.YES if count and (alone or count == len(segments)) else Told.UNKNOWN), seen


def modes_told(lists: Lists) -> Seen:
    """Of imports whose `out` is told at all, whether any of them says a mode."""
    outs = [part(raw, "config", "out") for raw in lists.of(Source.IMPORTS) if "out" in part(raw, "config")]
    count = sum(bool(out.get("mode")) for out in outs)
    told = Told.UNKNOWN if not outs else Told.YES if count else Told.NO
    return told, f"{count} of {len(outs)} imports tell a mode"


def activation_secrets_masked(lists: Lists) -> Seen:
    """As `masked`, of activations that are listed whole and of one that was read alone."""
    return masked(Source.ACTIVATIONS, lambda raw: raw.get("connectorConfig"), Source.ACTIVATION)(lists)


def repeat_units(lists: Lists) -> Seen:
    """No only where the older fields are told without the newer: a list may leave schedules out altogether."""
    raws = [*lists.of(Source.ACTIVATIONS), *lists.of(Source.ACTIVATION)]
    newer = sum(bool(raw.get("repeatUnit")) for raw in raws)
    older = sum(bool(raw.get("scheduleType")) for raw in raws)
    told = Told.YES if newer else Told.NO if older else Told.UNKNOWN
    return told, f"{newer} of {len(raws)} activations have a unit, {older} the older words"


def sundays(lists: Lists) -> Seen:
    """By the two numbers that only one of both countings has."""
    days = [
        wire.text(day)
        for source in (Source.ACTIVATIONS, Source.ACTIVATION)
        for raw in lists.of(source)
        for day in _days(raw)
    ]
    sevens, zeros = days.count("7"), days.count("0")
    seen = f"{sevens} Sundays are told as 7, {zeros} as 0"
    if bool(sevens) == bool(zeros):
        return Told.UNKNOWN, seen
    return (Told.YES if sevens else Told.NO), seen


def _days(raw: Raw) -> Iterable[object]:
    days = raw.get("repeatSubFrequency")
    return days if isinstance(days, list) and raw.get("repeatUnit") == "week" else ()
