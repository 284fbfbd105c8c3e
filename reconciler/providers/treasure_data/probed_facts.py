"""The facts that reading an account can tell: where each shows, and what the provider does with each answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from reconciler.model.probe import FactName, Told
from reconciler.providers.treasure_data import recognising, wire
from reconciler.providers.treasure_data.recognising import Lists, Seen, Source

COPES: Final = "nothing: both are read alike"
DEFAULT: Final = "the default stays"
_PRIORITIES: Final = range(-2, 3)


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


FACTS: Final = (
    Fact(
        FactName.CONNECTIONS_LISTED,
        "Are connections listed at the undocumented v4 address?",
        Source.CONNECTIONS,
        recognising.answers(Source.CONNECTIONS, "connections"),
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
        recognising.ids_agree,
        {
            Told.YES: "ids of the list are used",
            Told.NO: "ids are looked up, each alone, for that is the documented way",
        },
    ),
    Fact(
        FactName.CONNECTION_SECRETS_MASKED,
        "Are secrets of connections masked as expected?",
        Source.CONNECTIONS,
        recognising.masked(Source.CONNECTIONS, lambda raw: raw.get("settings")),
        copes="nothing: what is secret by its name is never kept, compared or sent back",
    ),
    Fact(
        FactName.RESULTS_HOLD_CONNECTIONS,
        "Are connections made in the console among the results?",
        Source.RESULTS,
        recognising.results_hold_connections,
        {
            Told.YES: "`tdr import --all` finds connections there where they are not listed at v4",
            Told.NO: "results are not taken for connections",
        },
    ),
    Fact(
        FactName.QUERY_IDS_LISTED,
        "Do saved queries have an id in their list?",
        Source.QUERIES,
        recognising.every(Source.QUERIES, "saved queries", lambda raw: raw.get("id") is not None, "have an id"),
        copes="nothing: the name is the key",
    ),
    Fact(
        FactName.TRINO_KEPT,
        "Does a query of type `trino` read back as that?",
        Source.QUERIES,
        recognising.proven(Source.QUERIES, "saved queries", lambda raw: raw.get("type") == "trino", "read `trino`"),
        copes="nothing: `presto` and `trino` compare as one engine",
    ),
    Fact(
        FactName.PRESETS_KEPT,
        "Does `@daily` read back as that?",
        Source.QUERIES,
        recognising.proven(
            Source.QUERIES, "saved queries", lambda raw: wire.text(raw.get("cron")).startswith("@"), "read a preset"
        ),
        copes="nothing: a preset compares by its meaning",
    ),
    Fact(
        FactName.ENGINE_VERSIONS_TOLD,
        "Is the engine's version of a query told?",
        Source.QUERIES,
        recognising.proven(Source.QUERIES, "saved queries", lambda raw: bool(raw.get("engine_version")), "tell one"),
        {
            Told.YES: "`engine_version` is compared with the one that is told",
            Told.NO: "`engine_version` is held against what was sent last",
        },
    ),
    Fact(
        FactName.PRIORITIES_IN_RANGE,
        "Are priorities of queries from -2 to 2?",
        Source.QUERIES,
        recognising.every(
            Source.QUERIES, "saved queries", lambda raw: wire.whole(raw.get("priority")) in _PRIORITIES, "are within it"
        ),
        copes="nothing: a query beyond it is not imported, for no manifest can say it",
    ),
    Fact(
        FactName.QUERY_PAIRS_TAKEN,
        "Does a saved query have a connection's id with settings beside?",
        Source.QUERIES,
        recognising.proven(
            Source.QUERIES, "saved queries", lambda raw: bool(raw.get("result_connection_id")), "have one"
        ),
        {
            Told.YES: "an export with a connection and settings is sent so",
            Told.NO: "an export with a connection and settings is refused",
        },
    ),
    Fact(
        FactName.QUERY_SECRETS_MASKED,
        "Are secrets in the result of a query masked as expected?",
        Source.QUERIES,
        recognising.masked(Source.QUERIES, recognising.result_settings),
        copes="nothing: what is secret by its name is never kept, compared or sent back",
    ),
    Fact(
        FactName.IMPORT_MODES_TOLD,
        "Do imports tell whether they append or replace?",
        Source.IMPORTS,
        recognising.modes_told,
        {
            Told.YES: "an import without a mode appends",
            Told.NO: "the mode last applied stands for what is there, and `tdr import --all` leaves imports out",
        },
    ),
    Fact(
        FactName.IMPORT_SECRETS_MASKED,
        "Are secrets of imports masked as expected?",
        Source.IMPORTS,
        recognising.masked(Source.IMPORTS, lambda raw: raw.get("config")),
        {
            Told.YES: "filters without a mask are sent back as they are told",
            Told.NO: "filters with something secret by its name are never sent back, and then an update is refused",
        },
    ),
    Fact(
        FactName.USERS_LISTED,
        "Are users listed with their addresses?",
        Source.USERS,
        recognising.some(Source.USERS, "users", lambda raw: bool(raw.get("email")), "have an address"),
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
        recognising.key_tells_account,
        copes="nothing: `accounts` of an environment are always held against the key's digits",
    ),
    Fact(
        FactName.CUSTOMER_DATA_ANSWERS,
        "Does the account have parent segments?",
        Source.PARENTS,
        recognising.answers(Source.PARENTS, "parent segments"),
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
        recognising.answers(Source.ENTITIES, "parent segments"),
        missing=Told.NO,
        copes="nothing: they are read elsewhere, and a write that is refused says so",
    ),
    Fact(
        FactName.FOLDER_PARENTS_TOLD,
        "Do folders of segments tell which folder they are in?",
        Source.FOLDERS,
        recognising.some(Source.FOLDERS, "folders", lambda raw: "parentFolderId" in raw, "have the field"),
        {
            Told.YES: "a list of folders is enough",
            Told.NO: "the tree of folders is read besides, at /entities/by-folder",
        },
    ),
    Fact(
        FactName.SEGMENT_RULES_LISTED,
        "Are segments listed with their rules?",
        Source.SEGMENTS,
        recognising.rules_listed,
        copes="nothing: an empty rule is never believed before the segment was read alone",
    ),
    Fact(
        FactName.ACTIVATION_DETAILS_LISTED,
        "Are activations listed with settings and columns?",
        Source.ACTIVATIONS,
        recognising.every(
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
        recognising.activation_secrets_masked,
        {
            Told.YES: "settings without a mask are sent back as they are told",
            Told.NO: "settings with something secret by its name are never sent back, and a change of them is refused",
        },
    ),
    Fact(
        FactName.REPEAT_UNITS_TOLD,
        "Do activations have the newer schedule, of units that repeat?",
        Source.ACTIVATIONS,
        recognising.repeat_units,
        {Told.YES: "schedules are sent as units", Told.NO: "schedules are sent as the older cron"},
    ),
    Fact(
        FactName.SUNDAY_IS_SEVEN,
        "Is Sunday told as 7?",
        Source.ACTIVATIONS,
        recognising.sundays,
        {Told.YES: "Sunday is sent as 7", Told.NO: "Sunday is sent as 0"},
    ),
    Fact(
        FactName.WORKFLOWS_ANSWER,
        "Does the account have workflows?",
        Source.PROJECTS,
        recognising.answers(Source.PROJECTS, "projects, at most one page"),
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
        recognising.every(Source.PROJECTS, "projects", lambda raw: bool(raw.get("archiveMd5")), "tell one"),
        copes="nothing: without one the archive is read",
    ),
)
