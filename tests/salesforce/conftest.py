from __future__ import annotations

from collections.abc import Iterator

import pytest

from reconciler.emulators.salesforce.sandbox import SalesforceSandbox
from reconciler.emulators.salesforce.sessions import Credentials


@pytest.fixture
def sandbox() -> Iterator[SalesforceSandbox]:
    with SalesforceSandbox(Credentials("FAKE-app", "FAKE-secret")) as running:
        yield running
