"""Which forge a pipeline runs at and for which change, by the variables that its runners set."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import orjson

from reconciler.errors import UsageError
from reconciler.model.json import Json
from reconciler.model.secret import Secret
from reconciler.ports.forge import Provider

if TYPE_CHECKING:
    from reconciler.ports.clock import Clock
    from reconciler.ports.forge import Forge


GITHUB_TOKEN: Final = "GITHUB_TOKEN"  # noqa: S105 - names of variables
GITLAB_TOKEN: Final = "GITLAB_TOKEN"  # noqa: S105


@dataclass(frozen=True, slots=True)
class Setting:
    """Where a pipeline runs.

    repository: ``owner/name``, or a project's number. change: the pull or merge request, None without one. head: the commit that is
    proposed there. commit: what is checked out. branch: what changes are merged into. run_url: the run's page.
    is_closed: the change request was closed without being merged.
    """

    provider: Provider
    api_url: str = ""
    repository: str = ""
    change: int | None = None
    head: str = ""
    commit: str = ""
    branch: str = ""
    actor: str = ""
    run_url: str = ""
    workflow: str = ""
    is_closed: bool = False


def setting_of(environ: Mapping[str, str] = os.environ, provider: Provider | None = None) -> Setting:
    """What the variables of the runner say. provider: whom to believe, where several might be meant.

    Raises:
        UsageError: *provider* is not who runs this.
    """
    found = Provider.GITHUB if environ.get("GITHUB_ACTIONS") else Provider.GITLAB if environ.get("GITLAB_CI") else None
    chosen = provider or found or Provider.NONE
    match chosen:
        case Provider.GITHUB:
            return _github(environ)
        case Provider.GITLAB:
            return _gitlab(environ)
        case Provider.NONE:
            return Setting(Provider.NONE)


def forge_of(setting: Setting, environ: Mapping[str, str] = os.environ, clock: Clock | None = None) -> Forge | None:
    """A client for where the pipeline runs; None where it runs nowhere.

    Raises:
        UsageError: there is no token.
    """
    match setting.provider:
        case Provider.GITHUB:
            from reconciler.apis import github  # noqa: PLC0415 - each pipeline has one of them

            token = _token(environ, GITHUB_TOKEN, "give the step `env: {GITHUB_TOKEN: ${{ github.token }}}`")
            return github.connect(setting.api_url, setting.repository, token, workflow=setting.workflow, clock=clock)
        case Provider.GITLAB:
            from reconciler.apis import gitlab  # noqa: PLC0415 - as above

            token = _token(
                environ, GITLAB_TOKEN, "make an access token of the project with the scope `api`, and a variable"
            )
            return gitlab.connect(setting.api_url, setting.repository, token, clock=clock)
        case Provider.NONE:
            return None


def _github(environ: Mapping[str, str]) -> Setting:
    told = _event(environ.get("GITHUB_EVENT_PATH", ""))
    pull = told.get("pull_request")
    pull = pull if isinstance(pull, Mapping) else {}
    head, number = pull.get("head"), pull.get("number")
    repository = _needed(environ, "GITHUB_REPOSITORY", Provider.GITHUB)
    server = environ.get("GITHUB_SERVER_URL", "https://github.com")
    # Such as `acme/shop/.github/workflows/tdr.yml@refs/heads/main`.
    workflow = environ.get("GITHUB_WORKFLOW_REF", "").partition("@")[0].rpartition("/")[2]
    return Setting(
        Provider.GITHUB,
        api_url=environ.get("GITHUB_API_URL", "https://api.github.com"),
        repository=repository,
        change=number if isinstance(number, int) else None,
        head=str(head.get("sha") or "") if isinstance(head, Mapping) else "",
        commit=environ.get("GITHUB_SHA", ""),
        branch=environ.get("GITHUB_BASE_REF") or environ.get("GITHUB_REF_NAME", ""),
        actor=environ.get("GITHUB_ACTOR", ""),
        run_url=f"{server}/{repository}/actions/runs/{environ.get('GITHUB_RUN_ID', '')}",
        workflow=workflow,
        is_closed=told.get("action") == "closed" and not pull.get("merged"),
    )


def _gitlab(environ: Mapping[str, str]) -> Setting:
    number = environ.get("CI_MERGE_REQUEST_IID", "")
    return Setting(
        Provider.GITLAB,
        api_url=_needed(environ, "CI_API_V4_URL", Provider.GITLAB),
        repository=_needed(environ, "CI_PROJECT_ID", Provider.GITLAB),
        change=int(number) if number.isascii() and number.isdigit() else None,
        head=environ.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA") or environ.get("CI_COMMIT_SHA", ""),
        commit=environ.get("CI_COMMIT_SHA", ""),
        branch=environ.get("CI_MERGE_REQUEST_TARGET_BRANCH_NAME") or environ.get("CI_DEFAULT_BRANCH", ""),
        actor=environ.get("GITLAB_USER_LOGIN", ""),
        run_url=environ.get("CI_JOB_URL", ""),
    )


def _needed(environ: Mapping[str, str], name: str, provider: Provider) -> str:
    if not environ.get(name):
        raise UsageError(
            f"{name} is not set, so this is no job of {provider.value}", hint="leave --provider out, or run it there"
        )
    return environ[name]


def _token(environ: Mapping[str, str], name: str, hint: str) -> Secret:
    value = environ.get(name, "").strip()
    if not value:
        raise UsageError(f"{name} is not set", hint=hint)
    return Secret(f"env:{name}", value)


def _event(path: str) -> Mapping[str, Json]:
    """What GitHub says happened; nothing where it does not."""
    try:
        told: Json = orjson.loads(Path(path).read_bytes()) if path else None
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, Mapping) else {}
