"""Whose APIs can be answered here."""

from __future__ import annotations

from enum import StrEnum


class Vendor(StrEnum):
    """A vendor that ``tdr sandbox`` can stand for."""

    PINTEREST = "pinterest"
    INTERCOM = "intercom"
    QLIK = "qlik"
    ADOBE = "adobe"
    SALESFORCE = "salesforce"
