"""Holds documents against the rules, and lets off those whose waiver holds today."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase

from reconciler.diagnostics import Diagnostic, Severity
from reconciler.model.address import Address
from reconciler.model.policy import Level, Waiver
from reconciler.model.resource import Resource
from reconciler.policy.book import Book
from reconciler.policy.rules import Declared, Rule

SOON_DAYS = 14
"""So many days before its last one an exception is told to end."""


@dataclass(frozen=True, slots=True)
class Breach:
    """A document that breaks a rule. *path* is a JSON pointer in it."""

    rule: Rule
    level: Level
    address: Address
    path: str
    message: str


def breaches(
    book: Book,
    resources: Mapping[Address, Resource],
    today: date,
    *,
    levels: Iterable[Level],
    among: Iterable[Address] | None = None,
) -> Iterator[Breach]:
    """What breaks a rule of one of *levels* and is not waived, by rule and then by address.

    among: the documents to look at; all when None. A rule may look at others to judge one.
    """
    wanted = frozenset(levels)
    declared = Declared(resources)
    chosen = resources if among is None else sorted(address for address in among if address in resources)
    for rule, level in book.rules:
        if level not in wanted:
            continue
        for address in chosen:
            if rule.kinds and address.kind not in rule.kinds:
                continue
            found = list(rule.check(resources[address], declared))
            if found and not any(covers(waiver, rule.id, address, today) for waiver in book.waivers):
                yield from (Breach(rule, level, address, one.path, one.message) for one in found)


def covers(waiver: Waiver, rule: str, address: Address, today: date) -> bool:
    """Whether *waiver* lets the document at *address* off *rule* on the day *today*."""
    return waiver.rule == rule and today <= waiver.until and any(fnmatchcase(str(address), g) for g in waiver.addresses)


def told(breach: Breach) -> Diagnostic:
    """A breach as a finding; one that a plan would be held for is a warning until then."""
    severity = Severity.ERROR if breach.level is Level.ERROR else Severity.WARNING
    return Diagnostic(
        rule=breach.rule.id,
        message=f"{breach.address} {breach.message}",
        severity=severity,
        subject=str(breach.address),
        path=breach.path,
        hint=breach.rule.hint,
    )


def waivers_ending(book: Book, today: date) -> Iterator[Diagnostic]:
    """A warning for each waiver that ended or soon does."""
    for waiver in book.waivers:
        left = (waiver.until - today).days
        if left <= SOON_DAYS:
            when = "has ended" if left < 0 else "ends"
            yield Diagnostic(
                "policy-waiver-ends",
                f"policy: the waiver of `{waiver.rule}` for {', '.join(waiver.addresses)} {when} on {waiver.until}",
                Severity.WARNING,
                hint=f"{waiver.owner} answers for it: keep to the rule, or renew it in a reviewed change",
            )
