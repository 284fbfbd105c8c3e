"""Every code of a finding, a gate, a rule and a report: what it means, why, and what to do now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Final

import yaml
from codes_in_source import codes
from tables import MADE, code, table, words

from reconciler import errors
from reconciler.engine.applying import Status
from reconciler.engine.approvals import LIFTABLE, NEVER
from reconciler.engine.drift import Verdict
from reconciler.model.policy import RuleSet
from reconciler.policy.book import SETS

_WORDS: Final = Path(__file__).with_name("codes.yaml")
_PACKAGE: Final = Path(errors.__file__).parent
_EXITS: Final = (
    (0, "Done. For `tdr plan` also when there are changes, unless `--detailed-exitcode` is given.", "Nothing."),
    (
        1,
        "Failed: a vendor, the network, a secret that is not set, a file; or not all could be read.",
        "See the error and its hint.",
    ),
    (
        2,
        "Done, and differences exist: `plan --detailed-exitcode`, `drift`, `diff`, `fmt --check`, `status`.",
        "See the result.",
    ),
    (3, "A gate holds the plan. A person must decide.", "See [Gates](#gates)."),
    (4, "A saved plan is stale or was used.", "Plan again."),
    (5, "Somebody else is writing.", "Wait with `--lock-timeout`; see `tdr lock status`."),
    (
        6,
        "Partly applied. The state is saved and holds what was done.",
        "Mend what the message names, then `tdr apply`.",
    ),
    (7, "Documents have to be changed.", "See [Findings](#findings)."),
    (64, "The command line makes no sense.", "See `--help` of the command."),
    (130, "Ended by SIGINT (ctrl-C), after saving.", "Run it again."),
    (143, "Ended by SIGTERM, after saving.", "Run it again."),
)
_PREFIXES: Final = (
    (
        "gate/RULE",
        "tdr plan",
        "A gate holds the plan: [Gates](#gates), or for `gate/policy:ID` [Rules of a policy](#rules-of-a-policy).",
    ),
    ("risk/NAME", "tdr plan", "What a change comes to, such as rows that start to leave. It holds nothing by itself."),
    ("undecided", "tdr plan", "What becomes of an object cannot be told yet; the message says why."),
    (
        "run/unsettled",
        "tdr apply",
        "A field that was applied came back as something else, so the next plan is not empty.",
    ),
    ("drift/unlisted", "tdr drift", "A part of an account could not be listed, so what is there is not all known."),
)


def documented() -> dict[str, dict[str, Mapping[str, str]]]:
    """Sort (`findings`, `gates`, `health`) -> code -> its words."""
    read: dict[str, dict[str, Mapping[str, str]]] = yaml.safe_load(_WORDS.read_text(encoding="utf-8"))
    return read


@cache
def in_source() -> dict[str, set[str]]:
    """Sort -> the codes that the source can give."""
    found: dict[str, set[str]] = {"findings": set(), "gates": {*LIFTABLE, *NEVER}, "health": set()}
    for one in codes(_PACKAGE):
        found[{"finding": "findings", "gate": "gates", "health": "health"}[one.sort]].add(one.code)
    return found


def pages() -> dict[str, str]:
    """Path below `reference/` -> text."""
    told = documented()
    lines = [
        MADE,
        "",
        "# Codes",
        "",
        "A finding begins with its severity and its code, as in `error[unknown-key]`; JSON has it as `rule`, SARIF as `ruleId`.",
        "A code is never reused.",
        "",
        "## Exit codes",
        "",
        table(["Exit", "Means", "What now"], [(f"`{number}`", means, now) for number, means, now in _EXITS]),
        "## Errors",
        "",
        "What a command that came to no result says in `error` of its JSON, and as `ruleId` in SARIF.",
        "",
        table(["Error", "Exit", "Means"], _errors()),
        "## Findings",
        "",
        "About documents, plans and schedules. An error stops the run (exit 7); warnings and notices do not.",
        "",
        *_entries(told["findings"]),
        "## Gates",
        "",
        "A gate holds the whole plan (exit 3). `tdr validate --online` has some of them as findings, with `-` for `_`.",
        "",
        *_gates(told["gates"]),
        "## Rules of a policy",
        "",
        "The level may be another one in `tdr.yaml` or in an environment: [policy](../policy.md).",
        "",
        *_rules(),
        "## What `tdr status` finds",
        "",
        *_entries(told["health"]),
        "## In reports",
        "",
        "What SARIF and JUnit call results of plans, runs and drift.",
        "",
        table(["Code", "Of", "Means"], [(code(name), code(of), means) for name, of, means in _of_reports()]),
    ]
    return {"codes.md": "\n".join(lines).rstrip() + "\n"}


def _entries(entries: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    for name, its in sorted(entries.items()):
        yield from (f"### {name}", "", f"{its['means']}", "", f"- Why: {its['why']}", f"- What now: {its['now']}", "")


def _gates(entries: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    for name, its in sorted(entries.items()):
        lifted = "`--approve` lifts it." if name in LIFTABLE else "No approval lifts it."
        yield from (f"### {name}", "", f"{its['means']} {lifted}", "", f"- Why: {its['why']}")
        yield from (f"- What now: {its['now']}", "")


def _rules() -> Iterator[str]:
    for name in RuleSet:
        for rule in SETS[name]:
            yield from (
                f"### {rule.id}",
                "",
                words(rule.summary),
                "",
                f"- Why: it belongs to the rule set `{name}`, level `{rule.level}`.",
            )
            yield from (f"- What now: {words(rule.hint)}.", "")


def _errors() -> Iterator[tuple[str, str, str]]:
    for name, its in sorted(vars(errors).items()):
        if isinstance(its, type) and issubclass(its, errors.TdrError):
            doc = (its.__doc__ or "").partition("\n")[0]
            yield code(name), f"`{its.exit_code}`", words(doc)


def _of_reports() -> Iterator[tuple[str, str, str]]:
    yield from _PREFIXES
    for verdict in (Verdict.DRIFTED, Verdict.MISSING, Verdict.UNKNOWN):
        yield f"drift/{verdict}", "tdr drift", f"An object's verdict is `{verdict}`: [drift](../drift.md)."
    for status in Status:
        if status != "done":
            yield f"run/{status}", "tdr apply", f"An operation ended as `{status}`; the message says why."
