"""What an account was found to do where its vendor's documents leave it open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, ConfigDict, Field, model_validator

from reconciler.model.spec import Spec


class FactName(StrEnum):
    """A fact that an account can be asked for."""

    CONNECTIONS_LISTED = "connections_listed"
    CONNECTION_IDS_AGREE = "connection_ids_agree"
    CONNECTION_SECRETS_MASKED = "connection_secrets_masked"
    RESULTS_HOLD_CONNECTIONS = "results_hold_connections"
    QUERY_IDS_LISTED = "query_ids_listed"
    TRINO_KEPT = "trino_kept"
    PRESETS_KEPT = "presets_kept"
    ENGINE_VERSIONS_TOLD = "engine_versions_told"
    PRIORITIES_IN_RANGE = "priorities_in_range"
    QUERY_PAIRS_TAKEN = "query_pairs_taken"
    QUERY_SECRETS_MASKED = "query_secrets_masked"
    IMPORT_MODES_TOLD = "import_modes_told"
    IMPORT_SECRETS_MASKED = "import_secrets_masked"
    USERS_LISTED = "users_listed"
    KEY_TELLS_ACCOUNT = "key_tells_account"
    CUSTOMER_DATA_ANSWERS = "customer_data_answers"
    ENTITIES_ANSWER = "entities_answer"
    FOLDER_PARENTS_TOLD = "folder_parents_told"
    SEGMENT_RULES_LISTED = "segment_rules_listed"
    ACTIVATION_DETAILS_LISTED = "activation_details_listed"
    ACTIVATION_SECRETS_MASKED = "activation_secrets_masked"
    REPEAT_UNITS_TOLD = "repeat_units_told"
    SUNDAY_IS_SEVEN = "sunday_is_seven"
    WORKFLOWS_ANSWER = "workflows_answer"
    ARCHIVE_SUMS_TOLD = "archive_sums_told"


class Told(StrEnum):
    """An answer; an account that has nothing to look at cannot tell."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


_MEANING = {Told.YES: True, Told.NO: False}


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """What is known of one account: fact -> whether it holds. What is not in it is unknown."""

    known: Mapping[FactName, bool] = field(default_factory=dict)

    def holds(self, fact: FactName, *, default: bool) -> bool:
        """Whether *fact* holds; *default* where nobody knows."""
        return self.known.get(fact, default)


class ProbeRecord(Spec):
    """The answers of one account, as they are kept beside its environment. Holds no secrets and no names of objects.

    What a later version added, keys and facts, is passed over.
    """

    model_config = ConfigDict(extra="ignore")

    format: Literal["tdr.probe"] = "tdr.probe"
    format_version: Annotated[str, Field(pattern=r"^1\.\d+$")] = "1.1"
    tdr_version: str
    asked_at: AwareDatetime
    """When."""
    account: str
    """Who answered, such as ``us01/1234``."""
    host: str
    """Where, such as ``https://api.treasuredata.com``, or ``embedded``."""
    answers: dict[FactName, Told]
    """Fact -> answer."""

    @model_validator(mode="before")
    @classmethod
    def _known_facts(cls, told: Any) -> Any:
        answers = told.get("answers") if isinstance(told, dict) else None
        if not isinstance(answers, dict):
            return told
        return {**told, "answers": {fact: answer for fact, answer in answers.items() if fact in set(FactName)}}


def merged(now: Mapping[FactName, Told], before: Mapping[FactName, Told]) -> dict[FactName, Told]:
    """What is known after a probe: what cannot be told *now* refutes nothing that was told *before*."""
    return {
        fact: before.get(fact, Told.UNKNOWN) if now.get(fact, Told.UNKNOWN) is Told.UNKNOWN else now[fact]
        for fact in FactName
        if fact in now or fact in before
    }


def settled(record: ProbeRecord | None, account: str, written: Mapping[FactName, bool]) -> AccountFacts:
    """What is known of *account*: what a person wrote goes before what this very account told."""
    if record is None or record.account != account:
        return AccountFacts(dict(written))
    told = {fact: _MEANING[answer] for fact, answer in record.answers.items() if answer in _MEANING}
    return AccountFacts({**told, **written})
