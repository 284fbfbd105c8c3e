"""All rules that hold in one environment, and who is let off which."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reconciler.diagnostics import Diagnostic, did_you_mean
from reconciler.model.json import digest
from reconciler.model.policy import Level, PolicySpec, RuleSet, Waiver
from reconciler.policy import naming, privacy, safety
from reconciler.policy.rules import Rule
from reconciler.policy.user_rules import compiled

SETS = {RuleSet.SAFETY: safety.RULES, RuleSet.PRIVACY: privacy.RULES, RuleSet.NAMING: naming.RULES}
WHEN_NOTHING_IS_SAID = (RuleSet.SAFETY,)


@dataclass(frozen=True, slots=True)
class Book:
    """Rules with the level that holds here; those that are off are left out.

    digest: over everything that was said, and over what tdr's own rules are.
    problems: mistakes in what was said, such as a waiver of a rule that nobody knows.
    """

    rules: tuple[tuple[Rule, Level], ...]
    waivers: tuple[Waiver, ...]
    digest: str
    problems: tuple[Diagnostic, ...] = ()


def book_of(project: PolicySpec, environment: PolicySpec) -> Book:
    """The rules of a project and those of an environment together; where both speak of one thing the environment wins."""
    sets = environment.sets if environment.sets is not None else project.sets
    chosen = WHEN_NOTHING_IS_SAID if sets is None else sets
    rules = [rule for name in RuleSet if name in chosen for rule in SETS[name]]
    own = [compiled(rule) for rule in (*project.rules, *environment.rules)]
    severities = {**project.severities, **environment.severities}
    levelled = [(rule, Level(severities.get(rule.id, rule.level))) for rule in (*rules, *own)]
    said = [project.model_dump(mode="json"), environment.model_dump(mode="json")]
    waivers = (*project.waivers, *environment.waivers)
    return Book(
        rules=tuple((rule, level) for rule, level in levelled if level is not Level.OFF),
        waivers=waivers,
        digest=digest([said, [[rule.id, level.value] for rule, level in levelled]]),
        problems=tuple(_problems(own, severities, waivers)),
    )


def _problems(own: Sequence[Rule], severities: dict[str, Level], waivers: Sequence[Waiver]) -> Iterator[Diagnostic]:
    built_in = {rule.id for rules in SETS.values() for rule in rules}
    names = [rule.id for rule in own]
    for name in sorted(name for name in set(names) if name in built_in or names.count(name) > 1):
        yield Diagnostic("policy-rule-twice", f"policy: there are two rules `{name}`", hint="give one another id")
    known = built_in | set(names)
    for name in sorted({*severities, *(waiver.rule for waiver in waivers)} - known):
        hint = did_you_mean(name, known) or f"rules: {', '.join(sorted(known))}"
        yield Diagnostic("policy-rule-unknown", f"policy: there is no rule `{name}`", hint=hint)
