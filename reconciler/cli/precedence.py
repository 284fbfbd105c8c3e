"""Where the value of an option comes from: the line, else `TDR_…`, else `defaults` of tdr.yaml, else what is built in."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from reconciler.cli.arguments import Line, commands, options
from reconciler.errors import TdrError
from reconciler.model.run_id import new_run_id

if TYPE_CHECKING:
    import typer

    from reconciler.ports.clock import Clock

SAID_ON_THE_LINE: Final = frozenset({"all", "accept", "rebuild", "plan", "var", "version"})
"""Options without a variable: what a command is to do is seen where it is called; values have `TDR_VAR_NAME` each."""
_MENTION: Final = b"defaults:"


@dataclass(frozen=True, slots=True)
class Asked:
    """All that a command may be told by, and what holds for all of them. *tree* has the commands, *given* what tdr.yaml says.

    clock: of all its vendors, waits and times; None is the machine's.
    run_id: what names this call: in the log, the lock, the journal and the history.
    """

    tree: Any
    line: Line
    given: Mapping[str, str]
    clock: Clock | None = None
    var_files: tuple[Path, ...] = ()
    run_id: str = field(default_factory=new_run_id)


def variable(option: str) -> str:
    """`TDR_LOCK_TIMEOUT` of ``--lock-timeout``."""
    return "TDR_" + option.lstrip("-").replace("-", "_").upper()


def name_variables(tree: Any) -> None:
    """Give every option its variable; one that is repeatable is split there at blanks."""
    for command in (tree, *(command for _, command in commands(tree))):
        for one in options(command):
            if one.name.lstrip("-") not in SAID_ON_THE_LINE and one.parameter.envvar is None:
                one.parameter.envvar = variable(one.name)


def is_on_the_line(context: typer.Context, parameter: str) -> bool:
    """Whether the command line itself gives the option, rather than the environment or the settings of the project."""
    source = context.get_parameter_source(parameter)
    return source is not None and source.name == "COMMANDLINE"


def written_defaults(line: Line) -> Mapping[str, str]:
    """Option -> value, of `defaults` in the tdr.yaml of the project that *line* is about; {} where there is none.

    What is wrong with a tdr.yaml is told by the command that needs it.
    """
    folder = value_of(line.arguments, ("--directory", "-C")) or os.environ.get("TDR_DIRECTORY") or "."
    try:
        start = Path(folder).resolve()
        path = next((one / "tdr.yaml" for one in (start, *start.parents) if (one / "tdr.yaml").is_file()), None)
        # Most projects have no defaults; those are not read twice.
        if path is None or _MENTION not in path.read_bytes():
            return {}
        from reconciler.manifest.project import read_project

        return read_project(path.parent).spec.defaults.given()
    except (OSError, ValueError, TdrError):
        return {}


def value_of(arguments: Sequence[str], names: Sequence[str]) -> str | None:
    """What *arguments* give last to the option with one of *names*; None where they give nothing."""
    found = None
    for place, argument in enumerate(arguments):
        if argument == "--":
            break
        if argument in names:
            found = arguments[place + 1] if place + 1 < len(arguments) else None
        elif argument.startswith("--"):
            name, equals, value = argument.partition("=")
            found = value if equals and name in names else found
        elif argument[:2] in names:
            found = argument[2:]
    return found


def default_map(tree: Any, given: Mapping[str, str]) -> dict[str, Any]:
    """*given* as click takes it: a mapping for each command, by its own names for its options."""
    nested: dict[str, Any] = _own(tree, given)
    for verb, command in commands(tree):
        place = nested
        for name in verb:
            place = place.setdefault(name, {})
        place.update(_own(command, given))
    return nested


def what_won(asked: Asked) -> list[dict[str, Any]]:
    """Each option, its value and where that comes from: ``flag``, ``environment``, ``tdr.yaml`` or ``default``.

    Values of ``--var`` are nobody's to see and not told.
    """
    every = (asked.tree, *(command for _, command in commands(asked.tree)))
    known = {one.name: one for command in every for one in options(command)}
    told, given = asked.line.told, asked.given
    flags = {spelling: one for one in known.values() for spelling in one.names}
    on_line = {
        flags[spelling].name: "false" if spelling in flags[spelling].opposites else value
        for spelling, value in told.items()
        if spelling in flags
    }
    won = []
    for name, one in sorted(known.items()):
        if name.lstrip("-") == "var":
            continue
        named = one.parameter.envvar if isinstance(one.parameter.envvar, str) else None
        value: str | None
        if name in on_line:
            value, source = on_line[name], "flag"
        elif named and os.environ.get(named):
            value, source = os.environ[named], "environment"
        elif name.lstrip("-") in given:
            value, source = given[name.lstrip("-")], "tdr.yaml"
        else:
            value, source = _text(one.parameter.default), "default"
        won.append({"option": name, "variable": named, "value": value, "source": source})
    return won


def _own(command: Any, given: Mapping[str, str]) -> dict[str, Any]:
    return {
        one.parameter.name: given[one.name.lstrip("-")] for one in options(command) if one.name.lstrip("-") in given
    }


def _text(value: Any) -> str | None:
    match value:
        case None | () | []:
            return None
        case bool():
            return str(value).lower()
        case Enum():
            return str(value.value)
        case _:
            return str(value)
