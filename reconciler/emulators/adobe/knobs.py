"""What Adobe's documentation leaves open, or what a test wants otherwise."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Knobs(BaseModel):
    """How this Adobe behaves. The defaults are what documentation and published exchanges suggest.

    token_lifetime_s: of an access token. lifetime_unit: what ``expires_in`` is said in; older texts say milliseconds.
    missing_token_status: of a call without a token; the API description says 403, the list of errors 401.
    names_unique: whether a second connection specification of a name is refused; nothing says so.
    action_case: which spelling of ``op`` an action takes. sub_op_required: whether an action wants ``subOp``, as one text lists.
    transformations_member: what a PUT of a flow specification calls its transformations; sent as another, they are lost.
    secrets_told: how a base connection tells its secrets.
    numbers_told: whether numbers of specifications come back as they were sent, or as text.
    passing_s: how long a flow is in a passing state after it was made or switched; calls fail meanwhile.
    passing_told: whether its state says so, or only the status of its last operation.
    operation_status: how that status is spelled; in the API description ``lastOperation`` has none.
    writes_specifications: whether the token may write connection and flow specifications.
    used_parts_stay: whether source and target connections of a flow are refused to be deleted.
    starts_runs: whether the token may start runs. run_needs_window: whether one has to say its window; nothing says so.
    run_s: how long a run takes. run_ends: how it ends. run_rows, run_failed_rows: what it reads, and what of that fails.
    page_size: of a list where nobody says. calls_per_minute: 0 limits nothing.
    adds_members: whether connection specifications come back with members that nobody sent.
    code_member: where an error says its code. code_prefix: what stands before it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    token_lifetime_s: int = Field(default=86_399, ge=1)
    lifetime_unit: Literal["seconds", "milliseconds"] = "seconds"
    missing_token_status: Literal[401, 403] = 401
    names_unique: bool = False
    action_case: Literal["any", "lower", "upper"] = "any"
    sub_op_required: bool = False
    transformations_member: Literal["any", "transformationSpec", "transformationSpecs", "transformationSpecDTOS"] = (
        "any"
    )
    secrets_told: Literal["masked", "absent"] = "masked"
    numbers_told: Literal["as_sent", "text"] = "as_sent"
    passing_s: float = Field(default=0, ge=0)
    passing_told: Literal["by_state", "by_operation"] = "by_state"
    operation_status: Literal["camel", "capitals", "absent"] = "camel"
    writes_specifications: bool = True
    used_parts_stay: bool = True
    starts_runs: bool = True
    run_needs_window: bool = False
    run_s: float = Field(default=0, ge=0)
    run_ends: str = "success"
    run_rows: int = Field(default=100, ge=0)
    run_failed_rows: int = Field(default=0, ge=0)
    page_size: int = Field(default=20, ge=1)
    calls_per_minute: int = Field(default=0, ge=0)
    adds_members: bool = True
    code_member: Literal["errorCode", "error_code", "code"] = "errorCode"
    code_prefix: Literal["", "FLOW-"] = ""
