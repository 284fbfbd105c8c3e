"""Who may ask the tenant of these tests."""

from __future__ import annotations

KEY = "FAKE-qlik-key-of-the-tests"
MACHINE, MACHINE_SECRET = "machine-1", "FAKE-secret-of-machine-1"
