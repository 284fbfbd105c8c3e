"""Where a project runs: what `tdr.yaml` and `manifests/environments/NAME.yaml` may say."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from reconciler.model.dataflows import AdobeTarget
from reconciler.model.defaults import DefaultsSpec
from reconciler.model.kind_name import KindName
from reconciler.model.notifications import Receiver
from reconciler.model.overlay import Overlay
from reconciler.model.policy import PolicySpec
from reconciler.model.probe import FactName
from reconciler.model.qlik import QlikTarget
from reconciler.model.regions import canonical_account
from reconciler.model.spec import OnDelete, Seconds, SecretText, Spec, WebAddress
from reconciler.model.state_place import LocalPlace, StatePlace
from reconciler.model.transitions import ImportEntry

EMBEDDED = "embedded"


class TreasureDataFacts(Spec):
    """What holds in this account where the vendor's documents leave it open; goes before what `tdr doctor --probe` found."""

    connections_listed: bool | None = None
    """Whether the account lists its connections; if so, one list serves for all and `tdr import --all` finds them."""
    connection_ids_agree: bool | None = None
    """Whether a connection has the same id in the list as when it is looked up; if not, ids are looked up."""
    results_hold_connections: bool | None = None
    """Whether connections made in the console are among the results, where `tdr import --all` finds them too."""
    engine_versions_told: bool | None = None
    """Whether the account tells a query's `engine_version`; if not, it is held against what was sent last."""
    query_pairs_taken: bool | None = None
    """Whether a saved query takes settings beside a connection; if not, such exports are refused."""
    import_modes_told: bool | None = None
    """Whether imports tell whether they append or replace; if not, what was last applied stands for it."""
    import_secrets_masked: bool | None = None
    """Whether secrets in filters of imports read as known masks; only then what has no mask is sent back."""
    users_listed: bool | None = None
    """Whether users are listed with their addresses, as `notify` of an activation needs."""
    customer_data_answers: bool | None = None
    """Whether the account has parent segments; if not, documents of them are refused."""
    folder_parents_told: bool | None = None
    """Whether folders of segments tell which folder they are in; if not, their tree is read besides."""
    activation_secrets_masked: bool | None = None
    """Whether secrets in settings of activations read as known masks; only then what has no mask is sent back."""
    repeat_units_told: bool | None = None
    """Whether activations have schedules of units that repeat; if not, they are sent as the older cron."""
    sunday_is_seven: bool | None = None
    """Whether Sunday is 7 in schedules of activations; if not, it is 0."""
    workflows_answer: bool | None = None
    """Whether the account has workflows; if not, documents of them are refused."""

    def written(self) -> dict[FactName, bool]:
        """Fact -> what somebody wrote of it."""
        return {FactName(name): told for name, told in self if told is not None}


PerSecond = Annotated[float, Field(ge=0, le=1000)]


class TreasureDataPace(Spec):
    """Requests a second, at most; 0 for any number. The vendor publishes no limits; what is left out is as written here.

    On this machine nothing is held back unless it is written.
    """

    api: PerSecond | None = None
    """At api.…, where databases, queries, imports and jobs are: 10."""
    customer_data: PerSecond | None = None
    """At api-cdp.…, where parent segments, segments and activations are: 2, as the vendor's own copying tool."""
    workflows: PerSecond | None = None
    """At api-workflow.…: 10."""


class TreasureDataTarget(Spec):
    """What answers the Treasure Data API."""

    endpoint: str = EMBEDDED
    """`embedded` for the service on this machine, a region such as us01, or an address such as https://api.treasuredata.com."""
    api_key: SecretText | None = None
    """A master key; not needed for the embedded service."""
    facts: TreasureDataFacts = TreasureDataFacts()
    """What holds in this account where the vendor's documents leave it open."""
    pace: TreasureDataPace = TreasureDataPace()
    """How many requests a second it is sent."""


class SparkTarget(Spec):
    """A cluster that answers Spark Connect."""

    url: Annotated[str, Field(pattern=r"^sc://[^/\s;@]+(/(;[^\s]*)?)?$")]
    """Its address, such as sc://spark.example.com:15002; parameters follow it after `/;`, such as `/;use_ssl=true`."""
    token: SecretText | None = None
    """What it lets one in with."""

    @model_validator(mode="after")
    def _hides_its_token(self) -> Self:
        if "token=" in self.url:
            message = "`url` holds a token: write it as `token`, as ${secret:env:NAME}"
            raise ValueError(message)
        return self


class Limits(Spec):
    """How much of one kind a run may take away or change; what is left out is as for all kinds together."""

    max_deletes: Annotated[int, Field(ge=0)] | None = None
    """So many at most, however few there are."""
    max_updates: Annotated[int, Field(ge=0)] | None = None
    """So many at most."""
    max_delete_ratio: Annotated[float, Field(ge=0, le=1)] | None = None
    """Share of the remembered resources of the kind."""
    max_update_ratio: Annotated[float, Field(ge=0, le=1)] | None = None
    """Share of the remembered resources of the kind."""
    minimum_resources: Annotated[int, Field(ge=1)] | None = None
    """Shares are looked at from this many remembered resources of the kind on."""


class Thresholds(Spec):
    """How much one run may do before a person must say yes."""

    max_deletes: Annotated[int, Field(ge=0)] | None = None
    """So many at most, however few there are."""
    max_updates: Annotated[int, Field(ge=0)] | None = None
    """So many at most."""
    max_delete_ratio: Annotated[float, Field(ge=0, le=1)] = 0.3
    """Share of the remembered resources."""
    max_update_ratio: Annotated[float, Field(ge=0, le=1)] = 0.3
    """Share of the remembered resources."""
    minimum_resources: Annotated[int, Field(ge=1)] = 10
    """Shares are looked at from this many remembered resources on."""
    kinds: dict[KindName, Limits] = Field(default_factory=dict)
    """Kind -> limits of its own, besides those for all together."""
    empty_kind: Annotated[int, Field(ge=1)] = 5
    """A kind of which so many are remembered may not lose all its documents at once."""
    audience_replace: bool = True
    """Whether deleting an audience and making it anew is held."""
    membership_change: bool = True
    """Whether an activation that begins to replace or to clear members is held."""
    max_new_egress_columns: Annotated[int, Field(ge=0)] | None = 10
    """So many columns at most may start leaving in one run; looked at from `minimum_resources` on, null for any number."""


class LifecycleDefaults(Spec):
    """What the documents of a kind say about their lifecycle when they say nothing themselves."""

    protect: bool | None = None
    """Whether deleting and replacing are refused."""
    on_delete: OnDelete | None = None
    """What to do when a document is gone."""


class HealthSpec(Spec):
    """From when on `tdr status` finds something wrong."""

    runs: Annotated[int, Field(ge=1, le=100)] = 10
    """How many runs of each resource are looked at."""
    stuck_factor: Annotated[float, Field(gt=1)] = 3.0
    """A run that lasts this many times as long as usual is stuck."""
    stuck_after: Seconds = 600
    """A run that has not lasted this long is never stuck."""
    failures: Annotated[int, Field(ge=1)] = 1
    """This many failures in a row, up to the newest run, are a finding."""
    filled_within: Seconds = 172_800
    """How long an audience may take to fill; Pinterest says up to 48 hours."""
    token_warning: Seconds = 604_800
    """How long before a connection's authorisation ends."""


class HistorySpec(Spec):
    """How long reports of runs are kept, for `tdr history` and `tdr rollback`; what is left out is as anywhere else.

    The newest run of each object, and the newest that went well, are kept whatever is written here.
    """

    runs: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """So many at most: 200, and 20 where a server of kind `http` keeps the state in one document."""
    max_age: Annotated[Seconds, Field(ge=3600)] | None = None
    """Not longer than this, such as 365d; for ever when left out."""

    def over(self, other: HistorySpec) -> HistorySpec:
        """*other*, where this one says nothing."""
        return HistorySpec(
            runs=other.runs if self.runs is None else self.runs,
            max_age=other.max_age if self.max_age is None else self.max_age,
        )


def _canonical(accounts: dict[str, str]) -> dict[str, str]:
    """Regions by the names that vendors' answers are known by here, however `endpoint` may call them."""
    return {
        vendor: canonical_account(account) if vendor == "treasure_data" else account
        for vendor, account in accounts.items()
    }


class EnvironmentSpec(Spec):
    """One environment."""

    treasure_data: TreasureDataTarget = TreasureDataTarget()
    """What answers the Treasure Data API, and the key for it."""
    qlik: QlikTarget | None = None
    """The tenant of Qlik Cloud that `QlikConnection` and the like are in."""
    adobe: AdobeTarget | None = None
    """The organisation of Adobe Experience Platform that sources are registered in."""
    sql_engine: Literal["duckdb", "spark"] = "duckdb"
    """What runs the queries of the embedded service; at Treasure Data its own engines do."""
    spark: SparkTarget | None = None
    """The cluster, where `sql_engine` is `spark`."""
    state: StatePlace = LocalPlace()
    """Where the state is kept: a folder of this machine, or a place that a team shares."""
    history: HistorySpec = HistorySpec()
    """How long reports of runs are kept; goes before `history` of tdr.yaml."""
    endpoints: dict[Literal["intercom", "pinterest", "salesforce"], WebAddress] = Field(default_factory=dict)
    """Vendor -> address of its API, where it is not the vendor's own; of Salesforce the one to log in at."""
    accounts: Annotated[dict[str, str], AfterValidator(_canonical)] = Field(default_factory=dict)
    """Vendor -> the account that must answer, such as `treasure_data: us01/1234`; another one stops the run."""
    variables: dict[str, str] = Field(default_factory=dict)
    """Values of ${var:NAME}."""
    thresholds: Thresholds = Thresholds()
    """How much one run may do before a person must say yes."""
    protect: bool = False
    """Whether resources are protected unless they say otherwise."""
    lifecycle: dict[KindName, LifecycleDefaults] = Field(default_factory=dict)
    """Kind -> what holds for its documents unless they say otherwise; goes before `protect`."""
    policy: PolicySpec = PolicySpec()
    """Rules of this environment, besides those of `tdr.yaml`."""
    overlays: dict[str, Overlay] = Field(default_factory=dict)
    """Address -> what its document says otherwise in this environment. Small: whatever differs more is a variable."""
    imports: tuple[ImportEntry, ...] = ()
    """Objects of this environment that documents are to be, by the vendor's id; as in `kind: Transitions`."""
    confirm_absence_after: Seconds | None = None
    """How long to wait before looking a second time for an object that is not there; each kind's own time when left out."""
    job_timeout: Seconds = 3600
    """How long a run is followed: the first one of an audience, those of `tdr run` and `tdr retry`, the query of a preview."""
    ingests_within: dict[Literal["pinterest"], Seconds] = Field(default_factory=dict)
    """Vendor -> how long it takes to take in a list; who replaces one more often is warned. 0 for never, a day when left out."""
    notifications: tuple[Receiver, ...] = ()
    """Who is told how commands ended."""
    health: HealthSpec = HealthSpec()
    """From when on `tdr status` finds something wrong."""
    cron_dialect: Literal["documented", "classic"] = "documented"
    """How cron texts are read: as the vendor's page says, or as classic cron does."""

    @model_validator(mode="after")
    def _knows_its_engine(self) -> Self:
        if self.sql_engine == "spark" and self.spark is None:
            message = "`sql_engine: spark` needs `spark: {url: sc://HOST:PORT}`"
            raise ValueError(message)
        if self.sql_engine == "spark" and self.treasure_data.endpoint != EMBEDDED:
            message = "`sql_engine` is for the embedded service; at Treasure Data a query says its `engine`"
            raise ValueError(message)
        return self


class ProjectSpec(Spec):
    """What `tdr.yaml` may say."""

    apiVersion: Literal["tdr/v1"] = "tdr/v1"  # noqa: N815 - the field's standard spelling in manifests
    """Version of the format."""
    project: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    """Name of the project."""
    manifests: str = "manifests"
    """Folder of the manifests."""
    state: str = "state"
    """Folder of the local state."""
    environments: dict[str, EnvironmentSpec] = Field(default_factory=dict)
    """Environments that need no file of their own; a file `manifests/environments/NAME.yaml` comes first."""
    defaults: DefaultsSpec = DefaultsSpec()
    """What options are when neither the command line nor a variable `TDR_…` says it."""
    policy: PolicySpec = PolicySpec()
    """Rules that hold in every environment."""
    history: HistorySpec = HistorySpec()
    """How long reports of runs are kept, where the environment says nothing else."""
    tokens: Literal["file", "keyring"] = "file"
    """Where tokens that vendors replace at every use are kept: in sealed files below `state`, or in the machine's keyring."""
    secret_commands: tuple[str, ...] = ()
    """Programs that ${secret:cmd:…} may run, by name."""
