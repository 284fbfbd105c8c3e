"""Every command with its arguments and options, as the program itself declares them."""

from __future__ import annotations

from collections.abc import Iterator
from enum import EnumType
from typing import Any

from tables import MADE, code, table, words

from reconciler.cli.arguments import commands, options
from reconciler.cli.main import tree


def pages() -> dict[str, str]:
    """Path below `reference/` -> text."""
    group = tree()
    told = [
        MADE,
        "",
        "# Commands",
        "",
        "Options stand before the verb or after it; each has the variable that is named. What neither says is in `defaults:` of",
        "[tdr.yaml](project.md#defaultsspec), and after that built in. `tdr version --format json` prints what each would be.",
        "",
        "## Options of every command",
        "",
        _options(group),
    ]
    for verb, command in commands(group):
        told += [
            f"## tdr {' '.join(verb)}",
            "",
            f"```text\n{_usage(verb, command)}\n```",
            "",
            words(command.help or ""),
            "",
        ]
        told += [_arguments(command), _options(command)]
    return {"commands.md": "\n".join(told).rstrip() + "\n"}


def _usage(verb: tuple[str, ...], command: Any) -> str:
    named = [one.metavar or one.name.upper() for one in command.params if one.param_type_name == "argument"]
    return " ".join(["tdr", *verb, "[OPTIONS]", *named])


def _arguments(command: Any) -> str:
    rows = [
        (code(one.metavar or one.name.upper()), words(one.help or ""))
        for one in command.params
        if one.param_type_name == "argument"
    ]
    return table(["Argument", "Meaning"], rows)


def _options(command: Any) -> str:
    rows = [
        (
            " ".join(_spelled(one)),
            code(one.parameter.envvar),
            _default(one.parameter.default),
            words(one.parameter.help or ""),
        )
        for one in options(command)
        if not one.parameter.hidden
    ]
    return table(["Option", "Variable", "Default", "Meaning"], rows)


def _spelled(one: Any) -> Iterator[str]:
    value = f" {_value(one.parameter)}" if one.takes_value else ""
    for number, name in enumerate(one.names):
        yield code(f"{name}{value if number == 0 else ''}")


def _value(parameter: Any) -> str:
    kind = parameter.type_descriptor.annotation
    if isinstance(kind, EnumType):
        return "|".join(str(one.value) for one in kind)
    return str(parameter.metavar or {"int": "NUMBER"}.get(getattr(kind, "__name__", ""), "TEXT"))


def _default(value: Any) -> str:
    match value:
        case None | "" | () | [] | False:
            return ""
        case _:
            return code(
                str(getattr(value, "value", value)).lower()
                if isinstance(value, bool)
                else getattr(value, "value", value)
            )
