"""Every code that tdr's findings carry, read from its source: no list of them is kept by hand.

A code is written where a finding is made, as a literal or as a constant of the module. Whatever passes one on that was written
elsewhere names it `rule` or `code`; anything else is refused here, so that no code can come in unseen.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

PACKAGE: Final = "reconciler"
_RULES_BEFORE: Final = {
    ("Diagnostic", ""): 0,
    ("FileRefused", "manifest"): 0,
    ("Finding", "schedule"): 0,
    ("Mistake", "manifest"): 0,
    ("Problem", "engine/health.py"): 1,
    ("Remark", "schedule"): 0,
    ("Unresolved", "manifest/interpolation.py"): 1,
    ("_Refused", "manifest/interpolation.py"): 0,
    ("_add", "manifest/transitions.py"): 0,
    ("_error", "schedule"): 0,
    ("_notice", "manifest/tree.py"): 0,
    ("_problem", "manifest/tree.py"): 0,
    ("_problem", "providers/treasure_data/referenced_connections.py"): 1,
    ("add", "manifest"): 0,
    ("finding", "manifest"): 0,
    ("refuse", "manifest/needs.py"): 0,
    ("Gate", "engine"): 0,
}
"""What makes a finding, and in which part of the package -> how many arguments stand before its code."""
_PASSED_ON: Final = frozenset({"rule", "code", "id"})
_GATES: Final = frozenset({"Gate"})
_HEALTH: Final = frozenset({"Problem"})


@dataclass(frozen=True, slots=True, order=True)
class Written:
    """A code, where it is written, and of which sort it is: ``finding``, ``gate`` or ``health``."""

    sort: str
    code: str
    file: str
    line: int


def codes(package: Path) -> list[Written]:
    """All codes below *package*, sorted.

    Raises:
        LookupError: a finding is made with a code that neither stands there nor is passed on.
    """
    return sorted(one for within, tree in parsed(package) for one in _in_file(tree, within))


@cache
def parsed(package: Path) -> tuple[tuple[str, ast.Module], ...]:
    """Each module below *package*, by its path there; without the emulators, which speak as the vendors do."""
    files = {path.relative_to(package).as_posix(): path for path in sorted(package.rglob("*.py"))}
    return tuple(
        (within, ast.parse(path.read_text(encoding="utf-8")))
        for within, path in files.items()
        if not within.startswith("emulators/")
    )


def _in_file(tree: ast.Module, within: str) -> Iterator[Written]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        before = next(
            (count for (maker, part), count in _RULES_BEFORE.items() if maker == name and within.startswith(part)), None
        )
        if before is None or (told := _told(node, before)) is None:
            continue
        sort = "gate" if name in _GATES else "health" if name in _HEALTH else "finding"
        for code in _values(told, within, node.lineno):
            yield Written(sort, code, within, node.lineno)


def _told(call: ast.Call, before: int) -> ast.expr | None:
    """The argument that is the code; None for what takes none, such as the `add` of a set of addresses."""
    named = next((one.value for one in call.keywords if one.arg == "rule"), None)
    if named is not None:
        return named
    # The `add` of a set, and other functions of these names, take one thing only.
    return call.args[before] if len(call.args) > before + 1 else None


def _values(told: ast.expr, within: str, line: int) -> Iterator[str]:
    match told:
        case ast.Constant(value=str(code)):
            yield code
        case ast.IfExp(body=one, orelse=other):
            yield from _values(one, within, line)
            yield from _values(other, within, line)
        case ast.Name(id=name) if name not in _PASSED_ON and (code := _constant(within, name)) is not None:
            yield code
        case ast.Attribute(value=ast.Name(id=module), attr=name) if (
            code := _of_module(within, module, name)
        ) is not None:
            yield code
        case _:
            if not _is_passed_on(told):
                raise LookupError(f"{within}:{line}: nobody can tell which code {ast.unparse(told)!r} is")


def _is_passed_on(told: ast.expr) -> bool:
    last = [node for node in ast.walk(told) if isinstance(node, (ast.Name, ast.Attribute))]
    names = {node.attr if isinstance(node, ast.Attribute) else node.id for node in last}
    return bool(names & (_PASSED_ON | {"why", "POLICY"}))


def _constant(within: str, name: str) -> str | None:
    value = getattr(_module(within), name, None)
    return value if isinstance(value, str) else None


def _of_module(within: str, module: str, name: str) -> str | None:
    value = getattr(getattr(_module(within), module, None), name, None)
    return value if isinstance(value, str) else None


def _module(within: str) -> object:
    return importlib.import_module(".".join((PACKAGE, *Path(within).with_suffix("").parts)))
