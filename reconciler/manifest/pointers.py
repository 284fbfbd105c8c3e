"""JSON pointers (RFC 6901), the way places inside a document are written."""

from __future__ import annotations


def pointer(*parts: str | int) -> str:
    """``/spec/paths/0`` of ``"spec", "paths", 0``; "" of nothing."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def parts(pointer: str) -> list[str]:
    """The keys and indices of *pointer*, as text."""
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
