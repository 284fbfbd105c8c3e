"""A person's yes to what holds a plan: `--approve RULE=DIGEST --reason WHY`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from reconciler.errors import UsageError

if TYPE_CHECKING:
    from reconciler.engine.approvals import Approval

ApproveOption = Annotated[
    list[str] | None,
    typer.Option(
        "--approve",
        envvar="TDR_APPROVE",
        help="Lift one gate from the plan of that digest, as the plan prints it; repeatable. Needs --reason.",
        metavar="RULE=DIGEST",
    ),
]
ReasonOption = Annotated[
    str, typer.Option("--reason", envvar="TDR_REASON", help="Why it is approved; kept with the run.", metavar="TEXT")
]


def given(texts: Sequence[str] | None, reason: str) -> tuple[Approval, ...]:
    """The approvals written on the command line.

    Raises:
        UsageError: one is written wrongly or lifts what is never lifted, or nobody says why.
    """
    if not texts:
        return ()
    from reconciler.engine.approvals import Approval

    if not reason.strip():
        raise UsageError("--approve needs a reason", hint="say why: --reason TEXT; it is kept with the run")
    return tuple(dict.fromkeys(Approval.parse(text) for text in texts))
