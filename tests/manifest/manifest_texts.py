"""Texts that the tests make projects of, and short forms of what comes back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from reconciler.diagnostics import Diagnostic
from reconciler.manifest import Loaded

SETTINGS = "apiVersion: tdr/v1\nproject: shop\n"

CONNECTION = """\
apiVersion: tdr/v1
kind: Connection
metadata: {name: pinterest-main}
spec:
  type: pinterest
  client_id: ${secret:env:CLIENT_ID}
  client_secret: ${secret:env:CLIENT_SECRET}
  refresh_token: ${secret:env:REFRESH_TOKEN}
"""
SECRETS = {"CLIENT_ID": "id-FAKE", "CLIENT_SECRET": "FAKE-secret", "REFRESH_TOKEN": "FAKE-token"}


def query(body: str, name: str = "q") -> str:
    """A query document whose spec has *body* besides its database."""
    lines = "".join(f"  {line}\n" for line in body.splitlines())
    return f"apiVersion: tdr/v1\nkind: Query\nmetadata: {{name: {name}}}\nspec:\n  database: shop\n{lines}"


class Load(Protocol):
    """Writes *files* (path -> text or bytes) into the project and loads it."""

    def __call__(
        self,
        files: Mapping[str, str | bytes],
        *,
        environment: str | None = None,
        variables: Mapping[str, str] = ...,
        environ: Mapping[str, str] = ...,
        resolve_secrets: bool = True,
        cache_dir: Path | None = None,
        parse_all: bool = False,
    ) -> Loaded: ...


def write(root: Path, files: Mapping[str, str | bytes]) -> None:
    for name, content in {"tdr.yaml": SETTINGS, **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


Refusals = Callable[..., list[Diagnostic]]


def brief(diagnostics: list[Diagnostic]) -> list[str]:
    """``rule file:line:column message`` of each, for comparing whole lists."""
    return [f"{d.rule} {d.position} {d.message}" for d in diagnostics]


def shown(diagnostics: list[Diagnostic]) -> str:
    """Everything a person may get to see."""
    return "\n".join(f"{d.rule} {d.position} {d.message} {d.hint} {d.frame} {d!r}" for d in diagnostics)
