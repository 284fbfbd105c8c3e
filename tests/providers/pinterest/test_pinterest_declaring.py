"""An audience as a document would say it: `desired` of that document is what was observed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from reconciler.apis.pinterest_values import Audience
from reconciler.model.address import Address
from reconciler.model.kinds import AudienceSpec
from reconciler.ports.listing import Declaration
from reconciler.providers.pinterest import wire

TEXT = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp"]), min_size=1, max_size=255)


@given(TEXT, TEXT | st.just(""), st.booleans())
def test_what_a_document_says_of_an_audience_makes_exactly_that_audience(
    title: str,
    description: str,
    has_twins: bool,  # noqa: FBT001
) -> None:
    there = Audience("77", "549700000001", title, "CUSTOMER_LIST", "READY", description, 10, "5", None, None)
    found = wire.found(there, Address("connection", "pin"), has_twins=has_twins)

    declared = wire.declaration(found)

    assert isinstance(declared, Declaration)
    spec = AudienceSpec.model_validate(declared.spec)
    assert {"description": "", **wire.desired(spec).attributes} == found.observation.attributes
    assert spec.audience_id == ("77" if has_twins else None)
