"""What a plan says of an object whose vendor would not tell."""

from __future__ import annotations

import pytest

from reconciler.engine.decide import decide_undeclared
from reconciler.errors import Transient
from reconciler.model.address import Address
from reconciler.model.change import Undecided
from reconciler.model.observation import Unreadable
from reconciler.model.record import Record


@pytest.mark.parametrize(
    ("hint", "why"),
    [("", "nothing listens at 127.0.0.1:8080"), ("start it", "nothing listens at 127.0.0.1:8080; start it")],
)
def test_it_says_what_happened_and_what_to_do_now(hint: str, why: str) -> None:
    query = Address("query", "q")
    seen = Unreadable(Transient("nothing listens at 127.0.0.1:8080", hint=hint))

    assert decide_undeclared(query, Record("7", {}), seen).change == Undecided(query, why)
