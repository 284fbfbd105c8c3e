"""Cases met in the field, kept beside the checkout, and what a check of one works with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from manifest_texts import Load, Refusals

from reconciler.manifest.syntax import Parsed, read_documents

CASES_FOLDER = Path(__file__).resolve().parents[3] / "shared" / "cases"
CASE_FILES = ("yaml-manifests.yaml", "includes-and-secrets.yaml", "security.yaml")


def _cases() -> dict[str, dict[str, Any]]:
    if not CASES_FOLDER.is_dir():
        return {}
    texts = [(CASES_FOLDER / name).read_text(encoding="utf-8") for name in CASE_FILES]
    return {case["id"]: case["given"] for text in texts for case in yaml.safe_load(text)["cases"]}


CASES = _cases()

Check = Callable[["Bench"], None]
CHECKS: dict[str, Check] = {}


class Bench:
    """What a check works with."""

    def __init__(self, given: dict[str, Any], root: Path, loaded: Load, refused: Refusals) -> None:
        self.given = given
        self.root = root
        self.loaded = loaded
        self.refused = refused

    def literals(self) -> list[str]:
        return self.given.get("literals") or [self.given["literal"]]

    def read(self, literal: str | bytes | None = None) -> Parsed:
        return read_documents(self.literals()[0] if literal is None else literal, "m.yaml")

    def tree(self) -> Any:
        parsed = self.read()
        assert parsed.problems == ()
        return parsed.documents[0].tree

    def file(self) -> bytes:
        name = self.given.get("file") or self.given["files"][0]
        return (CASES_FOLDER / name).read_bytes()


def check(case_id: str) -> Callable[[Check], Check]:
    def register(function: Check) -> Check:
        CHECKS[case_id] = function
        return function

    return register
