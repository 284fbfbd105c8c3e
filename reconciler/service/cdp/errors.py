"""Refusals in the two shapes of the customer data platform. Source: oas-cdp."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from reconciler.service.answers import ApiError

T = TypeVar("T")

ENTITIES: Final = "application/vnd.treasuredata.v1+json"


class CdpError(ApiError):
    """Of the addresses below ``/audiences``: ``{"code", "message"}``."""

    def __init__(self, status: int, code: str, message: str) -> None:
        """Hold the status, the word for programs and the sentence for people."""
        super().__init__(status, message)
        self.code = code

    def body(self) -> dict[str, Any]:
        """As oas-cdp has it."""
        return {"code": self.code, "message": self.message}


class EntityError(ApiError):
    """Of the addresses below ``/entities``: JSON:API."""

    media_type = ENTITIES

    def __init__(
        self, status: int, code: str, detail: str, *, pointer: str = "", meta: dict[str, Any] | None = None
    ) -> None:
        """Hold one error. *pointer* says where in the request, *meta* what programs read."""
        super().__init__(status, detail)
        self.code = code
        self.pointer = pointer
        self.meta = meta

    def body(self) -> dict[str, Any]:
        """As oas-cdp has it."""
        error: dict[str, Any] = {"code": self.code, "status": str(self.status), "detail": self.message}
        if self.pointer:
            error["source"] = {"pointer": self.pointer}
        if self.meta:
            error["meta"] = self.meta
        return {"errors": [error]}


class Refused(Exception):
    """A write that cannot be, in no shape yet: `plain` and `entity` give it the one of the addresses it came by.

    attribute: the field that is wrong, in camel case. validation: the vendor's code, such as ``CANNOT_BE_BLANK``.
    """

    def __init__(self, attribute: str, validation: str, message: str) -> None:
        """Hold what is wrong."""
        super().__init__(message)
        self.attribute = attribute
        self.validation = validation
        self.message = message

    def plain(self) -> CdpError:
        """For addresses below ``/audiences``."""
        return CdpError(400, "validation-error", self.message)

    def entity(self) -> EntityError:
        """For addresses below ``/entities``."""
        return EntityError(
            400,
            "validation-error",
            self.message,
            pointer=f"/attributes/{self.attribute}",
            meta={"validationCode": self.validation},
        )


class Masked(Refused):
    """A value that was read masked and is sent back, which would overwrite a secret with asterisks."""

    def __init__(self, attribute: str, message: str) -> None:
        """Hold the field that has it."""
        super().__init__(attribute, "MASKED_VALUE_IS_USED", message)

    def plain(self) -> CdpError:
        """For addresses below ``/audiences``."""
        return CdpError(400, "bad-parameter-error", self.message)

    def entity(self) -> EntityError:
        """For addresses below ``/entities``: a wrong parameter, not one that fails to validate."""
        pointer, meta = f"/attributes/{self.attribute}", {"parameterCode": self.validation}
        return EntityError(400, "bad-parameter-error", self.message, pointer=pointer, meta=meta)


def plainly(write: Callable[[], T]) -> T:
    """What *write* returns; its refusal in the shape of the addresses below ``/audiences``."""
    try:
        return write()
    except Refused as refusal:
        raise refusal.plain() from refusal


def as_entity(write: Callable[[], T]) -> T:
    """What *write* returns; its refusal in the shape of the addresses below ``/entities``."""
    try:
        return write()
    except Refused as refusal:
        raise refusal.entity() from refusal


def taken() -> Refused:
    """Of a name that something beside it has."""
    return Refused("name", "VIOLATES_UNIQUENESS_CONSTRAINT", "Name has already been taken")


def blank(attribute: str) -> Refused:
    """Of a field that must say something."""
    return Refused(attribute, "CANNOT_BE_BLANK", f"{attribute[:1].upper()}{attribute[1:]} can't be blank")
