"""The service on this machine: in this process, or in the `tdr serve` that runs for the project."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import orjson

from reconciler import durable, known_secrets
from reconciler.apis.treasure_data_connect import connect, connect_customer_data, connect_workflows
from reconciler.apis.treasure_data_endpoint import Endpoint
from reconciler.errors import StateError
from reconciler.model.environment import EMBEDDED, EnvironmentSpec
from reconciler.model.secret import Secret
from reconciler.ports.clock import Clock
from reconciler.sealing import Sealer
from reconciler.stores.holding import process_started
from reconciler.wiring.cron import Cron
from reconciler.wiring.first_need import ExporterOnNeed, ImporterOnNeed
from reconciler.wiring.keys import LazyKey
from reconciler.wiring.tokens import TokensOnNeed
from reconciler.wiring.tracing import trace_of

if TYPE_CHECKING:
    import httpx

    from reconciler.apis.treasure_data import TreasureData
    from reconciler.apis.treasure_data_cdp import CustomerData
    from reconciler.apis.treasure_data_workflows import Workflows
    from reconciler.model.json import Json
    from reconciler.ports.buckets import Bucket, BucketPlace
    from reconciler.ports.exports import Exporter
    from reconciler.ports.loads import Importer
    from reconciler.ports.table_files import TableFile
    from reconciler.service.ports import SparkPlace
    from reconciler.service.service import Service
    from reconciler.wiring.left_out import LeftOut

Api = TypeVar("Api", "TreasureData", "CustomerData", "Workflows")

ACCOUNT = "1"
EXTRA_KEY = "TDR_SERVICE_KEY"
"""Environment variable with one more key that the service accepts, for clients of other people."""


class Embedded:
    """The service of one environment. What is heavy is made with the first request."""

    account = f"{EMBEDDED}/{ACCOUNT}"

    def __init__(
        self,
        state_folder: Path,
        project_root: Path,
        environment: EnvironmentSpec,
        key: LazyKey,
        tokens: TokensOnNeed,
        clock: Clock,
        environ: Mapping[str, str],
    ) -> None:
        self.folder = state_folder / "service"
        self._tokens = tokens
        self._project_root = project_root
        self._environment = environment
        self._key = key
        self._clock = clock
        self._environ = environ
        self._lock = threading.Lock()
        self._clients: list[TreasureData | CustomerData | Workflows] = []
        self._service: Service | None = None
        self._app: Any = None
        self._is_serving = False

    def client(self) -> TreasureData:
        """A client of the service: of the one that `tdr serve` runs, else of one in this process."""
        return self._connected(connect)

    def customer_data(self) -> CustomerData:
        """A client of its parent segments, answered at the same place."""
        return self._connected(connect_customer_data)

    def workflows(self) -> Workflows:
        """A client of its workflows, answered at the same place."""
        return self._connected(connect_workflows)

    def _connected(self, connect: Callable[..., Api]) -> Api:
        served = self.served_at()
        client = connect(
            Endpoint(EMBEDDED, served or "http://embedded"),
            Secret("embedded", self.api_key()),
            transport=_to_server() if served else self._within_process(),
            clock=self._clock,
            trace=trace_of(self._environ),
        )
        self._clients.append(client)
        return client

    def _within_process(self) -> httpx.BaseTransport:
        from reconciler.http.in_process import InProcessTransport  # noqa: PLC0415 - imports httpx and anyio

        return InProcessTransport(self.app, self.service)

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request in this process, once the service is open."""
        await self._app(scope, receive, send)

    def service(self) -> Service:
        """The service in this process; opened on first need."""
        with self._lock:
            if self._service is None:
                from reconciler.service.app import create_app  # noqa: PLC0415 - only when asked
                from reconciler.service.opening import open_service  # noqa: PLC0415 - as above

                sealer = Sealer(self._key.master())
                try:
                    self._service = open_service(
                        self.folder,
                        exporter=ExporterOnNeed(self._exporter),
                        importer=ImporterOnNeed(self._importer),
                        open_table_file=self._open_table_file,
                        sealer=sealer,
                        clock=self._clock,
                        api_keys=self._api_keys(),
                        cron=self._cron(),
                        spark=self._spark(),
                    )
                except OSError as error:
                    raise StateError(
                        f"the embedded service cannot keep its files: {error.filename}: {error.strerror}",
                        hint="it needs a state folder that can be written to",
                    ) from error
                self._app = create_app(self._service)
            return self._service

    def application(self) -> Any:
        """The service as an ASGI application, for serving it to others."""
        self.service()
        return self._app

    def close(self) -> None:
        """End the clients, wait for what they started, and close every file."""
        for client in self._clients:
            client.close()
        with self._lock:
            if self._service is not None:
                self._service.close()
                self._service = None

    # -- keys ----------------------------------------------------------------------------------------------------

    def api_key(self) -> str:
        """The key that the commands of this user and project use; the same in every process."""
        key = f"{ACCOUNT}/{self._key.master().derive('service-api-key').hex()}"
        known_secrets.remember(key)
        return key

    def _api_keys(self) -> list[str]:
        extra = self._environ.get(EXTRA_KEY)
        known_secrets.remember(extra or "")
        return [self.api_key(), *([extra] if extra else [])]

    def left_out(self, job_id: str) -> LeftOut | None:
        """Rows of that run which did not arrive; None where nothing is known of it. See `left_out.left_out`."""
        from reconciler.wiring.left_out import left_out  # noqa: PLC0415 - only when asked

        return left_out(self.folder / "exports", job_id)

    # -- being served --------------------------------------------------------------------------------------------

    def served_at(self) -> str | None:
        """Where the project's `tdr serve` listens, or None when none runs, or it is this one."""
        try:
            note = orjson.loads((self.folder / "serve.json").read_bytes())
            pid, started, port = int(note["pid"]), note["started"], int(note["port"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if self._is_serving or process_started(pid) != started:
            return None
        return f"http://127.0.0.1:{port}"

    def note_served(self, port: int) -> None:
        """Tell other commands where this process listens; true for as long as it lives."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        note = {"pid": os.getpid(), "started": process_started(os.getpid()), "port": port}
        self._is_serving = True
        durable.replace(self.folder / "serve.json", orjson.dumps(note))

    def note_ended(self) -> None:
        """Take the note back."""
        self._is_serving = False
        (self.folder / "serve.json").unlink(missing_ok=True)

    # -- what the service is given -------------------------------------------------------------------------------

    def _exporter(self) -> Exporter:
        from reconciler.connectors.destinations.files import FilesDestination  # noqa: PLC0415 - only when asked
        from reconciler.connectors.destinations.pinterest import PinterestDestination  # noqa: PLC0415 - as above
        from reconciler.connectors.destinations.pinterest_client import connector  # noqa: PLC0415 - as above
        from reconciler.connectors.destinations.salesforce import SalesforceDestination  # noqa: PLC0415 - as above
        from reconciler.connectors.destinations.salesforce_client import (  # noqa: PLC0415 - as above
            connector as salesforce_connector,
        )
        from reconciler.dataplane.exporter import TypedExporter  # noqa: PLC0415 - as above

        open_api = connector(self._tokens(), base_url=self._environment.endpoints.get("pinterest"), clock=self._clock)
        exports = self.folder / "exports"
        pinterest = PinterestDestination(
            open_api, exports / "pinterest", quarantine=exports / "quarantine", clock=self._clock
        )
        files = FilesDestination(self._project_root, self._clock, _open_bucket)
        open_crm = salesforce_connector(self._environment.endpoints.get("salesforce"), self._clock, self._tokens)
        salesforce = SalesforceDestination(
            open_crm, exports / "salesforce", quarantine=exports / "quarantine", clock=self._clock
        )
        return TypedExporter({"files": files, "pinterest": pinterest, "sfdc_v2": salesforce})

    def _open_table_file(self, place: Mapping[str, Json], job_id: str, spill: Path) -> TableFile:
        from reconciler.connectors.destinations.table_files import open_table_file  # noqa: PLC0415 - as above

        return open_table_file(self._project_root, _open_bucket, place, job_id, spill)

    def _importer(self) -> Importer:
        from reconciler.connectors.sources.files import FilesSource  # noqa: PLC0415 - as above
        from reconciler.connectors.sources.intercom import IntercomSource  # noqa: PLC0415 - as above
        from reconciler.connectors.sources.intercom_client import connector  # noqa: PLC0415 - as above
        from reconciler.connectors.sources.pinterest_marketing import (  # noqa: PLC0415 - as above
            PinterestMarketingSource,
        )
        from reconciler.connectors.sources.pinterest_marketing import connector as marketing_connector  # noqa: PLC0415 - as above
        from reconciler.connectors.sources.rest import RestSource  # noqa: PLC0415 - as above
        from reconciler.dataplane.importer import TypedImporter  # noqa: PLC0415 - as above

        intercom = connector(base_url=self._environment.endpoints.get("intercom"), clock=self._clock)
        rest = RestSource(_guarded, self._tokens, self._clock)
        files = FilesSource(self._project_root, _open_bucket)
        marketing = marketing_connector(
            self._tokens(), base_url=self._environment.endpoints.get("pinterest"), clock=self._clock
        )
        return TypedImporter(
            {
                "files": files,
                "intercom": IntercomSource(intercom),
                "rest": rest,
                "pinterest_marketing": PinterestMarketingSource(marketing, self._clock),
            }
        )

    def _spark(self) -> SparkPlace | None:
        spark = self._environment.spark
        if self._environment.sql_engine != "spark" or spark is None:
            return None
        from reconciler.service.ports import SparkPlace  # noqa: PLC0415 - only when asked

        token = spark.token
        return SparkPlace(spark.url, lambda: "" if token is None else token.reveal())

    def _cron(self) -> Cron:
        return Cron(self._environment.cron_dialect)


def _guarded(base_url: str, allow_private: bool) -> httpx.BaseTransport:  # noqa: FBT001 - the port's shape
    from reconciler.http.guarded import guarded_transport  # noqa: PLC0415 - imports httpx

    return guarded_transport(base_url, allow_private=allow_private)


def _open_bucket(place: BucketPlace) -> Bucket:
    from reconciler.stores.buckets import S3Bucket  # noqa: PLC0415 - only where somebody names one

    return S3Bucket(place)


def _to_server() -> httpx.BaseTransport:
    from reconciler.http.loopback import loopback_transport  # noqa: PLC0415 - imports httpx

    return loopback_transport()
