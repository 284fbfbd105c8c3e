"""The facts that Treasure Data's documents leave open and that reading an account can tell. Nothing is ever written for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from reconciler.apis.treasure_data import Raw, TreasureData
from reconciler.errors import NotFound, ProviderError, Transient
from reconciler.model.probe import FactName, Told
from reconciler.ports.probing import Answered
from reconciler.providers.treasure_data import wire

_COPES: Final = "nothing: both are read alike"


@dataclass(frozen=True, slots=True)
class _Fact:
    """A fact, and how its answer is recognised in what *read* lists.

    missing: what it means that there is no such address.
    """

    name: FactName
    question: str
    asked: str
    read: Callable[[TreasureData], Sequence[Raw]]
    recognise: Callable[[Sequence[Raw]], tuple[Told, str]]
    effects: Mapping[Told, str]
    missing: Told = Told.UNKNOWN


def _listed(raws: Sequence[Raw]) -> tuple[Told, str]:
    return Told.YES, f"a list of {len(raws)}"


def _with_ids(raws: Sequence[Raw]) -> tuple[Told, str]:
    if not raws:
        return Told.UNKNOWN, "no saved query"
    count = sum(raw.get("id") is not None for raw in raws)
    return (Told.YES if count == len(raws) else Told.NO), f"{count} of {len(raws)} have an id"


def _trino(raws: Sequence[Raw]) -> tuple[Told, str]:
    """That none reads so proves nothing: perhaps none was saved so."""
    count = sum(wire.text(raw.get("type")) == "trino" for raw in raws)
    return (Told.YES if count else Told.UNKNOWN), f"{count} of {len(raws)} read `trino`"


def _presets(raws: Sequence[Raw]) -> tuple[Told, str]:
    """As for `trino`."""
    count = sum(wire.text(raw.get("cron")).startswith("@") for raw in raws)
    return (Told.YES if count else Told.UNKNOWN), f"{count} of {len(raws)} read a preset"


_QUERIES: Final = "GET /v3/schedule/list"
FACTS: Final = (
    _Fact(
        FactName.CONNECTIONS_LISTED,
        "Are connections listed at the undocumented v4 address?",
        "GET /v4/connections",
        TreasureData.connections,
        _listed,
        {Told.YES: "`tdr import --all` finds connections too", Told.NO: "connections are looked up by name only"},
        missing=Told.NO,
    ),
    _Fact(
        FactName.QUERY_IDS_LISTED,
        "Do saved queries have an id in their list?",
        _QUERIES,
        TreasureData.saved_queries,
        _with_ids,
        {},
    ),
    _Fact(
        FactName.TRINO_KEPT,
        "Does a query of type `trino` read back as that?",
        _QUERIES,
        TreasureData.saved_queries,
        _trino,
        {},
    ),
    _Fact(
        FactName.PRESETS_KEPT,
        "Does `@daily` read back as that?",
        _QUERIES,
        TreasureData.saved_queries,
        _presets,
        {},
    ),
)


def probe(api: TreasureData) -> list[Answered]:
    """Ask the account of *api* for all of them, each list once.

    Raises:
        ProviderError: nothing can be read, or the vendor is not there for now. What was learnt before then stays.
    """
    told: dict[str, Sequence[Raw] | ProviderError] = {}
    answers: list[Answered] = []
    for fact in FACTS:
        if fact.asked not in told:
            told[fact.asked] = _read(fact, api)
    failed = [one for one in told.values() if isinstance(one, ProviderError)]
    if len(failed) == len(told):
        raise failed[0]
    for fact in FACTS:
        answer, seen = _recognised(fact, told[fact.asked])
        effect = fact.effects.get(answer, "the default stays") if fact.effects else _COPES
        answers.append(Answered(fact.name, fact.question, fact.asked, answer, seen, effect))
    return answers


def _read(fact: _Fact, api: TreasureData) -> Sequence[Raw] | ProviderError:
    try:
        return fact.read(api)
    except Transient:
        raise
    except ProviderError as error:
        return error


def _recognised(fact: _Fact, told: Sequence[Raw] | ProviderError) -> tuple[Told, str]:
    match told:
        case NotFound():
            return fact.missing, "no such address"
        case ProviderError():
            # What it says may hold texts of the account; this goes into a file that is kept in git.
            return Told.UNKNOWN, f"it could not be read ({type(told).__name__})"
        case _:
            return fact.recognise(told)
