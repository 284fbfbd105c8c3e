"""A person's yes: it lifts one rule from one plan, and nothing else. There is no force.

What may be lifted is a question of judgement; what may not is a question of fact (which object, which account), and is
answered by correcting the documents or the credentials.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from reconciler.diagnostics import did_you_mean
from reconciler.errors import StalePlan, UsageError
from reconciler.model.plan import Gate

POLICY = "policy:"
"""What the rule of a gate begins with that a policy raises; the policy's rule follows."""

LIFTABLE: Mapping[str, str] = MappingProxyType(
    {
        "deletes": "more goes than the thresholds allow",
        "updates": "more changes than the thresholds allow",
        "empty_set": "nothing, or nothing of a kind, is declared any more",
        "protected": "something protected is deleted or made anew",
        "on_delete": "something goes whose document says otherwise",
        "adoption_required": "an object that tdr did not make becomes its own",
        "contents": "what holds others is deleted with all of them and made anew",
        "audience_replace": "an audience is deleted with its members and made anew",
        "membership": "an activation begins to replace or to clear members",
        "egress": "more columns start leaving than the thresholds allow",
        "account_binding": "credentials of another user join those that the state knows",
        "connection_in_use": "a connection goes that others still use",
        "mass_absence": "many known objects are gone at once",
    }
)
"""Rule -> what a yes to it means."""

NEVER: Mapping[str, str] = MappingProxyType(
    {
        "ambiguous_identity": "name the object that is meant in its document",
        "audience_id_not_found": "correct or remove the `audience_id`",
        "audience_not_made_here": "let an activation of a query or a segment make the audience first",
        "audience_unknown": "name the `audience_id`, or give the destination's credentials",
        "identity": "correct or remove the id in the document",
        "adoption_refused": "the document says `adopt: never`; change it, or give it another name",
        "foreign_owner": "let its owner release it, or give the document another name",
        "import_not_found": "correct the id in `imports`",
        "import_differs": "correct the id in `imports`, or take the entry out",
        "import_taken": "let one document stand for the object, and take the other out",
        "moved_to_taken": "correct `moved`, or take what stands in the way out of the state",
        "account": "use the credentials of the account that the environment names",
    }
)
"""Rule that no approval lifts -> what to do instead."""

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Approval:
    """*rule* is lifted from the plan whose digest is *plan_digest*."""

    rule: str
    plan_digest: str

    @classmethod
    def parse(cls, text: str) -> Approval:
        """Read ``RULE=sha256:…``.

        Raises:
            UsageError: it is not written like that, or the rule is unknown or one that is never lifted.
        """
        rule, _, digest = text.partition("=")
        if not _DIGEST.fullmatch(digest):
            raise UsageError(
                f"{text!r} is no approval", hint="write RULE=sha256:…, with the whole digest that the plan prints"
            )
        if rule in NEVER:
            raise UsageError(f"no approval lifts `{rule}`", hint=NEVER[rule])
        if not is_liftable(rule):
            hint = did_you_mean(rule, LIFTABLE) or f"rules that can be approved: {', '.join(LIFTABLE)}, {POLICY}RULE"
            raise UsageError(f"there is no rule `{rule}` to approve", hint=hint)
        return cls(rule, digest)


def is_liftable(rule: str) -> bool:
    """Whether an approval may lift gates of *rule*. A rule that nobody has thought about is not."""
    return rule in LIFTABLE or (rule.startswith(POLICY) and len(rule) > len(POLICY))


def flag(rule: str, plan_digest: str) -> str:
    """What to add to the command line to lift *rule* from the plan, or "" when nothing does."""
    return f"--approve {rule}={plan_digest}" if is_liftable(rule) else ""


def held(gates: Sequence[Gate], approvals: Sequence[Approval], plan_digest: str) -> tuple[Gate, ...]:
    """The gates that no approval lifts.

    Raises:
        StalePlan: an approval was given to another plan.
        UsageError: an approval lifts nothing here, so that what its giver had in mind is not what happens.
    """
    for approval in approvals:
        if approval.plan_digest != plan_digest:
            raise StalePlan(
                f"the approval of `{approval.rule}` is for the plan {approval.plan_digest}, and this one is {plan_digest}",
                hint="review this plan and approve it, or apply the plan that was approved",
            )
        if all(gate.rule != approval.rule for gate in gates):
            rules = ", ".join(sorted({gate.rule for gate in gates})) or "none"
            raise UsageError(f"no gate `{approval.rule}` holds this plan", hint=f"gates that hold it: {rules}")
    lifted = {approval.rule for approval in approvals}
    return tuple(gate for gate in gates if gate.rule not in lifted)
