"""The `result` of a saved query: where its rows go, as settings to compare and as the text that is sent.

What is read has its secrets hidden by the vendor, so secrets leave the settings here and are never compared or sent back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias, cast

import orjson

from reconciler.model.activation import Resolution
from reconciler.model.connections import PinterestConnection
from reconciler.model.egress import Outflow
from reconciler.model.exports import SECRET_SETTING, OnInvalid
from reconciler.model.json import Json
from reconciler.model.kinds import ActivationSpec, AudienceSpec, Identifier
from reconciler.model.masks import is_mask
from reconciler.model.secret import Secret
from reconciler.model.unknown import Unknown
from reconciler.scrubbing import Scrubber

Setting: TypeAlias = "Json | Secret | Unknown"

# Names and types of the settings of Treasure Data's Pinterest audience export, as its page lists them.
_NUMBERS: Final = frozenset(
    {
        "limit_records_per_request",
        "retry_count",
        "retry_initial_wait_millis",
        "max_retry_wait_millis",
        "connection_timeout_secs",
        "write_timeout_secs",
        "read_timeout_secs",
    }
)
_OTHER_SPELLINGS: Final = {"ignore_error": "ignore_invalid_records"}
MASK: Final = "***"
HELD_BY: Final = "held_by"
"""What an observation tells beside its attributes: the connection that says what an export does to which audience."""
# Treasure Data's page of the Pinterest export: plain e-mail addresses are hashed on the way, other identifiers must be already.
_TAKEN: Final = {"pinterest": {identifier.value: "sha256" for identifier in Identifier}}


def export_settings(
    spec: ActivationSpec, audience: AudienceSpec, connection: PinterestConnection, resolution: Resolution | None
) -> dict[str, Setting]:
    """The settings an activation wants. Without a decided mode there is no `action` yet, and nothing may be sent."""
    settings: dict[str, Setting] = {
        "type": "pinterest",
        "client_id": connection.client_id,
        "client_secret": connection.client_secret,
        "refresh_token": connection.refresh_token,
        "ad_account_id": audience.ad_account_id,
        "audience_type": "customer_list",
        "ignore_invalid_records": spec.on_invalid is OnInvalid.SKIP,
    }
    if connection.base_url:
        settings["base_url"] = connection.base_url
    return settings | _doing(spec, resolution)


def config_settings(spec: ActivationSpec, audience: AudienceSpec, resolution: Resolution | None) -> dict[str, Setting]:
    """The same for an activation that names a connection, which has the credentials: without them."""
    return {
        "ad_account_id": audience.ad_account_id,
        "audience_type": "customer_list",
        "ignore_invalid_records": spec.on_invalid is OnInvalid.SKIP,
        **_doing(spec, resolution),
    }


def _doing(spec: ActivationSpec, resolution: Resolution | None) -> dict[str, Setting]:
    """What an export does to its audience, and how rows travel."""
    settings: dict[str, Setting] = {}
    if resolution is not None and resolution.mode:
        settings["action"] = resolution.mode.upper()
        settings.update(resolution.settings)
    settings.update({name: value for name, value in spec.delivery if value is not None})
    return settings


def outflow(attributes: Mapping[str, object]) -> Outflow | None:
    """What a saved query with these attributes sends, and to whom; None when it has no export."""
    export = attributes.get("export")
    if "segment" in attributes or "journey" in attributes:
        return _of_people(attributes, export if isinstance(export, Mapping) else {})
    if not isinstance(export, Mapping):
        return None
    if "connection_id" in export and {"object", "mode"} <= export.keys():
        return Outflow(
            destination=f"salesforce:{export['object']}",
            sql=str(attributes.get("sql", "")),
            dialect=str(attributes.get("engine", "trino")),
        )
    if "connection_id" in export and export.keys() == {"connection_id", "path"}:
        return Outflow(
            f"files:{export['path']}", str(attributes.get("sql", "")), str(attributes.get("engine", "trino"))
        )
    kind = export.get("type") or ("connection" if export.keys() & {"connection", "connection_id"} else None)
    if not kind or str(export.get("url", "")).startswith("td://@/"):
        return None  # no export, or one into a table of the same account
    named = ("ad_account_id", "url", "connection", "connection_id", *(("path",) if kind == "files" else ()))
    account = next((export[name] for name in named if export.get(name)), "")
    return Outflow(
        destination=f"{kind}:{account}" if account else str(kind),
        sql=str(attributes.get("sql", "")),
        dialect=str(attributes.get("engine", "trino")),
        takes=_TAKEN.get(str(kind)),
    )


def _of_people(attributes: Mapping[str, object], export: Mapping[str, object]) -> Outflow:
    """What an activation of a segment sends. Its settings do not say their type; those of another connector have no action."""
    columns = {"*": ""} if attributes.get("all_columns") else {}
    told = attributes.get("columns")
    for one in told if isinstance(told, list) else ():
        columns[str(one["as"])] = str(one.get("column") or "")
    kind = "pinterest" if export.get("audience_type") else "connection"
    account = export.get("ad_account_id") or attributes.get("connection") or ""
    return Outflow(f"{kind}:{account}", "", "", takes=_TAKEN.get(kind), columns=columns)


def written(settings: Mapping[str, Setting], scrubber: Scrubber) -> str:
    """The text of the `result` field, secrets in clear: for the request to the vendor and nothing else."""
    return orjson.dumps(revealed(settings, scrubber)).decode()


def revealed(settings: Mapping[str, Setting], scrubber: Scrubber) -> dict[str, Json]:
    """*settings* with secrets in clear. From then on *scrubber* knows them, for the vendor may echo what it refuses."""
    for value in settings.values():
        if isinstance(value, Secret):
            scrubber.add(value)
    return {
        name: value.reveal() if isinstance(value, Secret) else cast("Json", value) for name, value in settings.items()
    }


def read_settings(result: object) -> dict[str, Json]:
    """The settings in a `result` that the vendor tells, without secrets and in the spelling of `export_settings`.

    An address such as ``td://@/db/table`` becomes ``{"type": "td", "url": …}`` with its password masked.
    """
    if not isinstance(result, str) or not result:
        return {}
    if not result.startswith("{"):
        return {"type": result.partition("://")[0], "url": without_password(result)}
    try:
        parsed = orjson.loads(result)
    except orjson.JSONDecodeError:
        return {"type": "", "url": MASK}
    return readable(parsed)


def of_query(raw: Mapping[str, Json]) -> Json:
    """The `result` of a saved query; of one that has the id of a connection to Pinterest with settings, these as such a text.

    The settings do not say their type, but no other export speaks of the type of an audience.
    """
    told = raw.get("result_connection_settings")
    if isinstance(told, dict) and "audience_type" in told and not raw.get("result"):
        return orjson.dumps({**told, "type": "pinterest"}).decode()
    if raw.get("result") or not isinstance(told, str) or '"audience_type"' not in told:
        return raw.get("result")
    try:
        settings = orjson.loads(told)
    except orjson.JSONDecodeError:
        return None
    return orjson.dumps({**settings, "type": "pinterest"}).decode() if isinstance(settings, dict) else None


def connection_of(raw: Mapping[str, Json]) -> str:
    """Name of the connection that a saved query names in its `result` and says no more of; "" for every other target."""
    result = raw.get("result")
    is_name = isinstance(result, str) and result and not result.startswith("{") and "://" not in result
    return str(result) if is_name else ""


def exporting_connections(listed: Iterable[Mapping[str, Json]]) -> dict[str, Mapping[str, Json]]:
    """Name -> settings of each connection to Pinterest that itself says what is done to which audience."""
    found: dict[str, Mapping[str, Json]] = {}
    for raw in listed:
        settings = raw.get("settings")
        if raw.get("type") == "pinterest" and isinstance(settings, dict) and "audience_type" in settings:
            found[str(raw.get("name"))] = {**settings, "type": "pinterest"}
    return found


def readable(settings: Mapping[str, Json]) -> dict[str, Json]:
    """*settings* that the vendor tells, without secrets and masks, in our spelling."""
    told: dict[str, Json] = {}
    for name, value in settings.items():
        known = _setting(name)
        if known is None or (isinstance(value, str) and is_mask(value)):
            continue
        told[known.name] = _below(value) if isinstance(value, dict | list) else known.read(value)
    return told


def is_readable(settings: Json, *, masks_known: bool) -> bool:
    """Whether *settings* that the vendor tells are all there: nothing of them is hidden, so that they may be sent back.

    masks_known: whether the account was seen to hide secrets by masks that are known here. Where it was not, a text under a
        secret's name may be a mask that nobody knows, which sent back would overwrite the secret.
    """
    match settings:
        case Mapping():
            return all(
                is_readable(value, masks_known=masks_known)
                and (masks_known or not value or not isinstance(value, str) or not SECRET_SETTING.search(name))
                for name, value in settings.items()
            )
        case list():
            return all(is_readable(value, masks_known=masks_known) for value in settings)
        case str():
            return not is_mask(settings)
        case _:
            return True


def _below(value: Json) -> Json:
    """What stands below a setting, without its secrets."""
    match value:
        case dict():
            return readable(value)
        case list():
            return [_below(entry) for entry in value]
        case _:
            return value


class _Setting(NamedTuple):
    """A setting as we spell it, and how its value is brought into the form in which we write it."""

    name: str
    read: Callable[[Json], Json]


@lru_cache(maxsize=1024)
def _setting(name: str) -> _Setting | None:
    """How to read the setting that the vendor calls *name*; None for a secret."""
    if SECRET_SETTING.search(name):
        return None
    spelled = _OTHER_SPELLINGS.get(name, name)
    if name == "action":
        return _Setting(spelled, lambda value: str(value).upper())
    if name in _NUMBERS:
        return _Setting(spelled, _number)
    return _Setting(spelled, _flag if spelled == "ignore_invalid_records" else _text)


def _number(value: Json) -> Json:
    return int(value) if isinstance(value, str) and value.isdecimal() else value


def _flag(value: Json) -> Json:
    return {"true": True, "false": False}.get(value.lower(), value) if isinstance(value, str) else value


def _text(value: Json) -> Json:
    """An id told as a number becomes text, as ids are."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def shown(result: object) -> str:
    """A `result` as people may see it, for queries that should have none: secrets and passwords masked, "" for none."""
    if not isinstance(result, str) or not result:
        return ""  # nearly every query: worth no search for passwords
    if not result.startswith("{"):
        return without_password(result)
    settings = read_settings(result)
    return str(settings["url"]) if "url" in settings else orjson.dumps(settings, option=orjson.OPT_SORT_KEYS).decode()


def without_password(url: str) -> str:
    """*url* with the password and secret-looking parameters masked: ``mysql://etl:***@db.example.com/shop/orders``.

    Greedy up to the last ``@``, for passwords contain slashes and at-signs; masking too much is the safe mistake.
    """
    masked = re.sub(r"^([a-z0-9_+.-]+://[^/:]*):.*@", rf"\1:{MASK}@", url, flags=re.IGNORECASE | re.DOTALL)
    masked = re.sub(r"^td://[^@?]+@", f"td://{MASK}@", masked)  # the user of td:// is an API key
    return re.sub(r"([?&][^=&]*(?:key|token|secret|password)[^=&]*=)[^&]*", rf"\1{MASK}", masked, flags=re.IGNORECASE)
