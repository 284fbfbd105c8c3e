"""Every variable of the process's environment that tdr reads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tables import MADE, code, table

from reconciler import errors
from reconciler.cli.arguments import commands, options
from reconciler.cli.main import tree

_PACKAGE: Final = Path(errors.__file__).parent
OTHERS: Final = {
    "TDR_DASHBOARD_TOKEN": "What a browser must know to see the [dashboard](../dashboard.md) beyond this machine.",
    "TDR_KEY": "Key of fingerprints, of OAuth tokens and of what the embedded service keeps: [two keys](../state.md#two-keys).",
    "TDR_LOG": "`debug` writes a line for every request to stderr, without bodies.",
    "TDR_MAX_ANSWER_MIB": "How many MiB of an answer are read into memory, unpacked, before it is an error; 256 when not set.",
    "TDR_NOW": "A time (RFC 3339, with its zone) at which the clock begins, to try out schedules on the embedded service.",
    "TDR_SERVICE_KEY": "One more API key that the embedded service takes, for other clients.",
    "TDR_STATE_KEY": "Keys that seal the state at rest: [two keys](../state.md#two-keys).",
    "TDR_TOKENS": "`file` or `keyring`, before `tokens` of `tdr.yaml`: where tokens that rotate are kept.",
    "TDR_VAR_NAME": "The value of `${var:NAME}`, after `--var` and before the environment's file.",
    "OTEL_TRACES_EXPORTER": "`otlp` sends [traces](../tracing.md); OpenTelemetry's other variables say where to.",
    "TRACEPARENT": "The span that the command's own stands below; `TRACESTATE` likewise.",
    "NO_COLOR": "Any value: no colours.",
    "HTTPS_PROXY": "Proxy for requests; `HTTP_PROXY` and `NO_PROXY` likewise.",
    "SSL_CERT_FILE": "Certificates that are trusted, in place of the machine's; `SSL_CERT_DIR` likewise.",
}
"""Variables that no option has, and what they do."""
OF_USERS: Final = {"TDR_STATE_DATABASE", "TDR_VAR", "TDR_"}
"""Names in messages that a user chooses, and beginnings of names."""


def in_source() -> set[str]:
    """Each `TDR_…` that stands in the source."""
    texts = [path.read_text(encoding="utf-8") for path in _PACKAGE.rglob("*.py")]
    return {name.rstrip("_") for text in texts for name in re.findall(r"\bTDR_[A-Z_]+", text)} - OF_USERS


def of_options() -> dict[str, list[str]]:
    """Variable -> options that it stands for."""
    group = tree()
    found: dict[str, list[str]] = {}
    for command in (group, *(command for _, command in commands(group))):
        for one in options(command):
            if isinstance(one.parameter.envvar, str):
                names = found.setdefault(one.parameter.envvar, [])
                if one.name not in names:
                    names.append(one.name)
    return found


def pages() -> dict[str, str]:
    """Path below `reference/` -> text."""
    return {"variables.md": "\n".join(_lines()).rstrip() + "\n"}


def _lines() -> Iterator[str]:
    yield from (MADE, "", "# Environment variables", "")
    yield from (
        "Besides those below, secrets are read from the variables that `${secret:env:NAME}` names, and values from",
    )
    yield from ("those of `${env:NAME}`. In a pipeline, `tdr ci` reads what GitHub and GitLab set.", "")
    yield table(["Variable", "Does"], [(code(name), told) for name, told in sorted(OTHERS.items())])
    yield from (
        "## Of options",
        "",
        "Each stands for an option, where the command line does not give it. Repeatable ones are",
    )
    yield from ("split at blanks, files at `:`. See [commands](commands.md).", "")
    yield table(
        ["Variable", "Option"], [(code(name), ", ".join(map(code, of))) for name, of in sorted(of_options().items())]
    )
