"""Clients of the forges that are made up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from fake_forges import serving
from forge_world import TOKEN, World

from reconciler.apis import github, gitlab
from reconciler.model.secret import Secret
from reconciler.ports.clock import Clock
from reconciler.ports.forge import Forge


class Hurried(Clock):
    def __init__(self) -> None:
        self.at = 1_000_000.0

    def now(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += seconds


@contextmanager
def at_forge(flavour: str, world: World, **bounds: int) -> Iterator[Forge]:
    token = Secret("env:TOKEN", TOKEN)
    with serving(flavour, world) as url:
        made: Forge = (
            github.connect(url, "acme/shop", token, workflow="tdr.yml", clock=Hurried(), **bounds)
            if flavour == "github"
            else gitlab.connect(f"{url}/api/v4", "77", token, clock=Hurried(), **bounds)
        )
        with closing(made) as forge:
            yield forge
