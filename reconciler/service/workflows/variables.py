"""``${…}`` in workflows: names of variables, with members below them. No other expression is carried out here."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import orjson

_EXPRESSION: Final = re.compile(r"\$\{([^{}]*)\}")
_PATH: Final = re.compile(r"[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*|\[(?:\d+|'[^']*'|\"[^\"]*\")\])*")
_STEP: Final = re.compile(r"\.?([A-Za-z_$][\w$]*)|\[(\d+)\]|\[['\"]([^'\"]*)['\"]\]")
_OF_SECRETS: Final = "secret:"
_LONGEST: Final = 4_000_000

Secrets = Callable[[str], "str | None"]
"""The value of a secret by its name, None when there is none."""


class NoVariable(ValueError):
    """An expression that cannot be filled in, and why. It shows the expression and never a value."""


def no_secrets(_key: str) -> str | None:
    """For texts that are kept, in which secrets may not stand."""
    return None


def filled(value: Any, variables: Mapping[str, Any], secrets: Secrets = no_secrets) -> Any:
    """*value* with every ``${…}`` in it filled in, once: what is filled in is not looked into.

    Raises:
        NoVariable: one names nothing, or is more than a name.
    """
    if isinstance(value, str):
        text = _EXPRESSION.sub(lambda found: _text(found[1].strip(), variables, secrets), value)
        if len(text) > _LONGEST:
            raise NoVariable(f"a text with variables filled in has more than {_LONGEST:,} characters")
        return text
    if isinstance(value, Mapping):
        return {filled(key, variables, secrets): filled(inner, variables, secrets) for key, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, variables, secrets) for inner in value]
    return value


def merged(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """All *layers* in one, later ones on top, mappings merged as mappings."""
    whole: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            known = whole.get(key)
            whole[key] = merged(known, value) if isinstance(known, Mapping) and isinstance(value, Mapping) else value
    return whole


def session_variables(
    session_time: int, timezone: str, neighbours: Sequence[float | None] = (None, None)
) -> dict[str, Any]:
    """What every task knows of its session's time (Unix seconds) and those before and after. Source: docs.digdag.io."""
    known = _moment("session", session_time, timezone)
    known["session_unixtime"] = session_time
    for name, moment in zip(("last_session", "next_session"), neighbours, strict=True):
        known |= (
            dict.fromkeys(_moment(name, 0, timezone), "") if moment is None else _moment(name, int(moment), timezone)
        )
        known[f"{name}_unixtime"] = "" if moment is None else int(moment)
    return known


def _moment(name: str, unix_s: int, timezone: str) -> dict[str, Any]:
    local = datetime.fromtimestamp(unix_s, UTC).astimezone(ZoneInfo(timezone))
    return {
        f"{name}_time": local.isoformat(),
        f"{name}_date": f"{local:%Y-%m-%d}",
        f"{name}_date_compact": f"{local:%Y%m%d}",
        f"{name}_local_time": f"{local:%Y-%m-%d %H:%M:%S}",
        f"{name}_tz_offset": f"{local:%z}",
    }


def _text(expression: str, variables: Mapping[str, Any], secrets: Secrets) -> str:
    if expression.startswith(_OF_SECRETS):
        value = secrets(expression.removeprefix(_OF_SECRETS).strip())
        if value is None:
            raise NoVariable(f"${{{expression}}}: there is no such secret, or it may not stand here")
        return value
    if not _PATH.fullmatch(expression):
        raise NoVariable(f"${{{expression}}}: this service fills in names of variables only, no other expressions")
    found: Any = variables
    for name, index, member in _STEP.findall(expression):
        key = name or member
        if index and isinstance(found, list) and int(index) < len(found):
            found = found[int(index)]
        elif not index and isinstance(found, Mapping) and key in found:
            found = found[key]
        else:
            raise NoVariable(f"${{{expression}}}: there is no such variable")
    return found if isinstance(found, str) else orjson.dumps(found).decode() if found is not None else ""
