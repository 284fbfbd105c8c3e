"""`tdr serve` and `tdr sandbox`: processes that answer others until they are stopped."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler import logs
from reconciler.emulators.vendors import Vendor
from reconciler.errors import UsageError

if TYPE_CHECKING:
    from reconciler.wiring import Runtime

SANDBOX_APP = {
    "PINTEREST_CLIENT_ID": "1234567",
    "PINTEREST_CLIENT_SECRET": "sandbox-client-secret",
    "PINTEREST_REFRESH_TOKEN": "pinr.sandbox-refresh-token",
}
"""What the sandbox accepts when the environment names nothing else. They open nothing but a sandbox."""
SANDBOX_TOKEN = {"INTERCOM_TOKEN": "c2FuZGJveDppbnRlcmNvbV90b2tlbg=="}
"""The same of Intercom."""
SANDBOX_KEY = {"QLIK_API_KEY": "sandbox-qlik-api-key"}

SANDBOX_CONSUMER = {
    "SALESFORCE_CLIENT_ID": "sandbox-consumer-key",
    "SALESFORCE_CLIENT_SECRET": "sandbox-consumer-secret",
}
"""The same of Qlik Cloud."""
SANDBOX_ORGANISATION = {
    "ADOBE_ORG_ID": "0000SANDBOX0000@AdobeOrg",
    "ADOBE_CLIENT_ID": "sandbox-client-id",
    "ADOBE_CLIENT_SECRET": "sandbox-client-secret",
}
"""The same of Adobe."""


def serve(runtime: Runtime, port: int, say: Callable[[str], None]) -> None:
    """Answer the Treasure Data API on loopback and fire schedules, until SIGINT or SIGTERM.

    Raises:
        UsageError: Treasure Data itself answers in this environment, or a `tdr serve` runs already.
    """
    embedded = runtime.embedded
    if embedded is None:
        raise UsageError(
            f"the environment `{runtime.environment_name}` is answered by Treasure Data; nothing to serve",
            hint="choose one that the embedded service answers: --env NAME",
        )
    if (address := embedded.served_at()) is not None:
        raise UsageError(f"`tdr serve` runs already, at {address}", hint="use that one, or end it first")
    from reconciler.service.serving import serve as answer  # noqa: PLC0415 - uvicorn is only needed here

    def announce(actual_port: int) -> None:
        embedded.note_served(actual_port)
        say(f"Treasure Data API at http://127.0.0.1:{actual_port}; schedules fire. Ctrl-C ends it.")

    service = embedded.service()
    service.scheduler.start()
    try:
        answer(embedded.application(), port=port, announce=announce)
    finally:
        embedded.note_ended()


def sandbox(
    vendor: Vendor,
    port: int,
    state_file: Path | None,
    say: Callable[[str], None],
    environ: Mapping[str, str] = os.environ,
) -> None:
    """Answer as *vendor* on loopback, until SIGINT or SIGTERM.

    Raises:
        UsageError: that sandbox keeps nothing in a file.
        TdrError: the port or the state file cannot be used.
    """
    if vendor is Vendor.INTERCOM:
        _intercom(port, state_file, say, environ)
        return
    if vendor is Vendor.ADOBE:
        _adobe(port, state_file, say, environ)
        return
    if vendor is Vendor.QLIK:
        _qlik(port, state_file, say, environ)
        return
    if vendor is Vendor.SALESFORCE:
        _salesforce(port, state_file, say, environ)
        return
    from reconciler.emulators.pinterest.tokens import AppCredentials  # noqa: PLC0415 - only here
    from reconciler.emulators.sandbox import serve as answer  # noqa: PLC0415 - as above

    logs.guard_libraries()
    values = {name: environ.get(name) or default for name, default in SANDBOX_APP.items()}

    def announce(base_url: str) -> None:
        say(f"Pinterest sandbox at {base_url}. Ctrl-C ends it.")
        for name, default in SANDBOX_APP.items():
            if values[name] == default:
                say(f"  export {name}={default}")

    answer(AppCredentials(*values.values()), announce=announce, port=port, state_file=state_file)


def _intercom(port: int, state_file: Path | None, say: Callable[[str], None], environ: Mapping[str, str]) -> None:
    if state_file is not None:
        raise UsageError("the sandbox of Intercom keeps nothing in a file", hint="leave --state-file out")
    from reconciler.emulators.intercom.sample import fill  # noqa: PLC0415 - only here
    from reconciler.emulators.intercom.sandbox import IntercomSandbox  # noqa: PLC0415 - as above

    logs.guard_libraries()
    ((name, default),) = SANDBOX_TOKEN.items()
    token = environ.get(name) or default

    def announce(base_url: str) -> None:
        say(f"Intercom sandbox at {base_url}, with a few contacts. Ctrl-C ends it.")
        if token == default:
            say(f"  export {name}={default}")

    intercom = IntercomSandbox(token, port=port)
    fill(intercom.intercom.world)
    intercom.run(announce)


def _qlik(port: int, state_file: Path | None, say: Callable[[str], None], environ: Mapping[str, str]) -> None:
    if state_file is not None:
        raise UsageError("the sandbox of Qlik Cloud keeps nothing in a file", hint="leave --state-file out")
    from reconciler.emulators.qlik.sample import fill  # noqa: PLC0415 - only here
    from reconciler.emulators.qlik.sandbox import QlikSandbox  # noqa: PLC0415 - as above

    logs.guard_libraries()
    ((name, default),) = SANDBOX_KEY.items()
    key = environ.get(name) or default

    def announce(base_url: str) -> None:
        say(f"Qlik Cloud sandbox at {base_url}, with a project and two tasks. Ctrl-C ends it.")
        if key == default:
            say(f"  export {name}={default}")

    qlik = QlikSandbox(key, port=port)
    fill(qlik.tenant.world)
    qlik.run(announce)


def _adobe(port: int, state_file: Path | None, say: Callable[[str], None], environ: Mapping[str, str]) -> None:
    if state_file is not None:
        raise UsageError("the sandbox of Adobe keeps nothing in a file", hint="leave --state-file out")
    from reconciler.emulators.adobe.gate import Application  # noqa: PLC0415 - only here
    from reconciler.emulators.adobe.sandbox import AdobeSandbox  # noqa: PLC0415 - as above

    logs.guard_libraries()
    values = {name: environ.get(name) or default for name, default in SANDBOX_ORGANISATION.items()}

    def announce(base_url: str) -> None:
        say(f"Adobe sandbox at {base_url}, with the sandboxes prod and dev. Ctrl-C ends it.")
        for name, default in SANDBOX_ORGANISATION.items():
            if values[name] == default:
                say(f"  export {name}={default}")

    application = Application(values["ADOBE_CLIENT_ID"], values["ADOBE_CLIENT_SECRET"])
    AdobeSandbox(application, org_id=values["ADOBE_ORG_ID"], port=port).run(announce)


def _salesforce(port: int, state_file: Path | None, say: Callable[[str], None], environ: Mapping[str, str]) -> None:
    if state_file is not None:
        raise UsageError("the sandbox of Salesforce keeps nothing in a file", hint="leave --state-file out")
    from reconciler.emulators.salesforce.sandbox import SalesforceSandbox  # noqa: PLC0415 - only here
    from reconciler.emulators.salesforce.sessions import Credentials  # noqa: PLC0415 - as above

    logs.guard_libraries()
    values = {name: environ.get(name) or default for name, default in SANDBOX_CONSUMER.items()}

    def announce(base_url: str) -> None:
        say(f"Salesforce sandbox at {base_url}, without records. Ctrl-C ends it.")
        for name, default in SANDBOX_CONSUMER.items():
            if values[name] == default:
                say(f"  export {name}={default}")

    credentials = Credentials(values["SALESFORCE_CLIENT_ID"], values["SALESFORCE_CLIENT_SECRET"])
    SalesforceSandbox(credentials, port=port).run(announce)
