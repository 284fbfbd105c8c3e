"""A project in a folder of its own, loaded as the command line would."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from manifest_texts import SECRETS, Load, Refusals, write

from reconciler.diagnostics import Diagnostic
from reconciler.errors import ManifestError
from reconciler.manifest import Loaded, find_project, load


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@pytest.fixture
def loaded(root: Path) -> Load:
    def run(
        files: Mapping[str, str | bytes],
        *,
        environment: str | None = None,
        variables: Mapping[str, str] = {},
        environ: Mapping[str, str] = SECRETS,
        resolve_secrets: bool = True,
        cache_dir: Path | None = None,
        parse_all: bool = False,
    ) -> Loaded:
        write(root, files)
        return load(
            find_project(root),
            environment,
            cache_dir=cache_dir,
            variables=variables,
            environ=environ,
            resolve_secrets=resolve_secrets,
            parse_all=parse_all,
        )

    return run


@pytest.fixture
def refused(loaded: Load) -> Refusals:
    """Load what must be refused, and give the diagnostics."""

    def run(files: Mapping[str, str | bytes], **arguments: object) -> list[Diagnostic]:
        with pytest.raises(ManifestError) as raised:
            loaded(files, **arguments)  # type: ignore[arg-type] # passed on as they are
        return list(raised.value.diagnostics)

    return run
