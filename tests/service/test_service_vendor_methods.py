"""Every public method of the vendor's clients is called over HTTP, or stands in a short list with the reason."""

from __future__ import annotations

import pytest
from vendor_methods import CLIENTS, told_on_the_page


@pytest.mark.parametrize("client", ["td-client", "tdworkflow"])
def test_every_method_is_called_or_has_a_reason_not_to_be(client: str) -> None:
    known = CLIENTS[client]

    assert sorted(known.offered - known.called - known.does_not_apply.keys()) == []
    assert known.does_not_apply.keys() <= known.offered - known.called
    assert len(known.called) > 30


@pytest.mark.parametrize("client", ["td-client", "tdworkflow"])
def test_the_page_tells_the_methods_that_are_called(client: str) -> None:
    called, _ = told_on_the_page(client)

    assert called == sorted(CLIENTS[client].called)


@pytest.mark.parametrize("client", list(CLIENTS))
def test_the_page_tells_why_others_are_not(client: str) -> None:
    _, reasons = told_on_the_page(client)

    assert reasons == CLIENTS[client].does_not_apply
