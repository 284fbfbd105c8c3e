"""A wrong command line in the form of every other error: what is wrong, where it is written, what now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import typer

from reconciler.cli import output
from reconciler.errors import UsageError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

# typer brings its own click and exports one error of it by name; what that one is derived from are all of them.
WrongCommandLine: type[typer.BadParameter] = typer.BadParameter.__bases__[0]
_TOLD: Final = {
    "int_parsing": "is no whole number",
    "int_from_float": "is no whole number",
    "float_parsing": "is no number",
    "bool_parsing": "is neither true nor false",
    "greater_than_equal": "is less than {ge}",
    "less_than_equal": "is more than {le}",
}
"""What typer reads values with, by the name of its finding -> what a person needs to hear."""


def explain(error: typer.BadParameter) -> None:
    """Tell what is wrong; the help, where nothing was asked for."""
    message = error.format_message()
    if type(error).__name__ == "NoArgsIsHelpError" or not message:
        error.show()
        return
    asked = error.ctx.command_path if error.ctx is not None else "tdr"
    found = _finding(error)
    told = (message[0].lower() + message[1:]).rstrip(".")
    if found is not None:
        told = f"{_where(error, found['input'])} {_what(found)}".rstrip(".")
    output.complain(UsageError(told, hint=f"see `{asked} --help`"))


def _finding(error: typer.BadParameter) -> ErrorDetails | None:
    """What a value was found to be, where the error is about one."""
    from pydantic import ValidationError

    cause = error.__cause__ or error.__context__
    if not isinstance(cause, ValidationError) or getattr(error, "param", None) is None:
        return None
    return cause.errors(include_url=False)[0]


def _what(found: ErrorDetails) -> str:
    context: Mapping[str, Any] = found.get("ctx", {})
    if isinstance(context.get("error"), ValueError):
        return str(context["error"]).removeprefix(repr(found["input"])).strip()
    told = _TOLD.get(found["type"])
    return told.format_map(context) if told else found["msg"].removeprefix("Input should be ")


def _where(error: typer.BadParameter, value: object) -> str:
    """The value with the place that gives it: the line, a variable, or tdr.yaml."""
    parameter, context = error.param, error.ctx
    if parameter is None or context is None:
        return repr(value)
    is_option = parameter.param_type_name == "option"
    name = (
        max(parameter.opts, key=len) if is_option else (parameter.metavar or parameter.name or "").strip("[].").upper()
    )
    source = context.get_parameter_source(parameter.name or "")
    match source.name if source is not None else "":
        case "ENVIRONMENT":
            return f"{parameter.envvar} {value!r}"
        case "DEFAULT_MAP":
            return f"tdr.yaml: `defaults.{name.lstrip('-')}`: {value!r}"
        case _:
            return f"{name} {value!r}"
