"""Time zones: a city or UTC, never an abbreviation.

The vendor's page takes extended names only and warns that abbreviations may schedule unexpectedly. The zone database knows
some of them all the same (EST has no summer time there), so that asking it is not enough.
"""

from __future__ import annotations

from functools import cache
from zoneinfo import ZoneInfo

from reconciler.diagnostics import did_you_mean
from reconciler.schedule.problem import LONGEST_SHOWN, Problem, ScheduleError, shown

_REGIONS = frozenset(
    ("Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")
)

# What people mean by names that are not a region and a city; where one name has several meanings, all of them.
_CANDIDATES = {
    "ACST": "Australia/Adelaide, Australia/Darwin",
    "AEDT": "Australia/Sydney",
    "AEST": "Australia/Sydney, Australia/Brisbane",
    "AST": "America/Halifax, Asia/Riyadh",
    "AWST": "Australia/Perth",
    "BRT": "America/Sao_Paulo",
    "BST": "Europe/London, Asia/Dhaka",
    "CDT": "America/Chicago, America/Havana",
    "CEST": "Europe/Paris, Europe/Berlin",
    "CET": "Europe/Paris, Europe/Berlin",
    "CST": "America/Chicago, Asia/Shanghai, Asia/Taipei, America/Havana",
    "CST6CDT": "America/Chicago",
    "EDT": "America/New_York",
    "EEST": "Europe/Helsinki, Europe/Athens",
    "EET": "Europe/Helsinki, Europe/Athens",
    "EST": "America/New_York, or America/Panama without summer time",
    "EST5EDT": "America/New_York",
    "ETC/GMT": "UTC",
    "ETC/UTC": "UTC",
    "GB": "Europe/London",
    "GMT": "UTC, or Europe/London with summer time",
    "HKT": "Asia/Hong_Kong",
    "HONGKONG": "Asia/Hong_Kong",
    "HST": "Pacific/Honolulu",
    "ICT": "Asia/Bangkok",
    "IST": "Asia/Kolkata, Europe/Dublin, Asia/Jerusalem",
    "JAPAN": "Asia/Tokyo",
    "JST": "Asia/Tokyo",
    "KST": "Asia/Seoul",
    "MDT": "America/Denver",
    "MET": "Europe/Paris, Europe/Berlin",
    "MSK": "Europe/Moscow",
    "MST": "America/Denver, or America/Phoenix without summer time",
    "MST7MDT": "America/Denver",
    "NZ": "Pacific/Auckland",
    "NZDT": "Pacific/Auckland",
    "NZST": "Pacific/Auckland",
    "PDT": "America/Los_Angeles",
    "PRC": "Asia/Shanghai",
    "PST": "America/Los_Angeles, Asia/Manila",
    "PST8PDT": "America/Los_Angeles",
    "ROK": "Asia/Seoul",
    "SGT": "Asia/Singapore",
    "SINGAPORE": "Asia/Singapore",
    "SST": "Asia/Singapore, Pacific/Pago_Pago",
    "US/CENTRAL": "America/Chicago",
    "US/EASTERN": "America/New_York",
    "US/MOUNTAIN": "America/Denver",
    "US/PACIFIC": "America/Los_Angeles",
    "UCT": "UTC",
    "WET": "Europe/Lisbon",
    "WIB": "Asia/Jakarta",
    "Z": "UTC",
    "ZULU": "UTC",
}


def check_zone(name: str) -> ZoneInfo:
    """The zone of that name.

    Raises:
        ScheduleError: it is not UTC or the region and city of an IANA zone; names what may be meant.

    Source: Treasure Data, "Intercom import", scheduling time zone.
    """
    if name == "UTC":
        return ZoneInfo("UTC")
    candidates = _CANDIDATES.get(name.upper(), "")
    if candidates or name.partition("/")[0] not in _REGIONS:
        hint = f"write {candidates}" if candidates else _similar(name) or "write a name such as Asia/Tokyo"
        raise _error("timezone-not-a-city", f"{shown(name)} is not a region and city, nor UTC", hint)
    if name not in known_zones():
        raise _error("timezone-unknown", f"{shown(name)} is not a known zone", _similar(name))
    return ZoneInfo(name)


def _similar(name: str) -> str:
    """What may be meant; nothing is similar to a text far longer than any name."""
    return did_you_mean(name, known_zones()) if len(name) <= LONGEST_SHOWN else ""


def canonical_zone(name: str) -> str:
    """*name*, with the spellings of UTC as one."""
    return "UTC" if name in ("", "Etc/UTC", "Etc/GMT", "GMT", "UCT", "Etc/UCT", "Z") else name


@cache
def known_zones() -> frozenset[str]:
    """Names of zones that may be written, in their exact spelling; a file system may be less strict about case."""
    from importlib import resources  # noqa: PLC0415 - costs more to import than all the rest of the package

    names = resources.files("tzdata").joinpath("zones").read_text(encoding="ascii").split()
    return frozenset(name for name in names if name.partition("/")[0] in _REGIONS) | {"UTC"}


def _error(rule: str, message: str, hint: str) -> ScheduleError:
    return ScheduleError(Problem(rule, "timezone", message, hint))
