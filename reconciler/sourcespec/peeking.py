"""The token or link to the next page, taken from an answer before the rest of it is read: a sixth of the time that takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from reconciler.sourcespec.paths import Path
from reconciler.sourcespec.specification import Pointer, Specification, Token

if TYPE_CHECKING:
    import msgspec

_HELD: Final = "held"


class Peek:
    """Looks for what the answers to one specification tell of their next page."""

    def __init__(self, specification: Specification) -> None:
        """By the path or the header that the specification's pagination names."""
        self._header = ""
        self._depth = 0
        self._decoder: msgspec.json.Decoder[Any] | None = None
        match specification.paging.kind:
            case Token(path=None, header=header):
                self._header = header.lower()
            case Token(path=Path() as path):
                self._look_along(path, str | int | None)
            case Pointer(path=path):
                self._look_along(path, str | None)
            case _:
                pass

    def told(self, headers: Mapping[str, str], body: bytes) -> str | None:
        """The token or link as text; None where there is none, or only reading all of it tells.

        headers: by lower-case name.
        """
        if self._header:
            return headers.get(self._header) or None
        if self._decoder is None:
            return None
        import msgspec  # noqa: PLC0415 - loaded with the decoder

        try:
            found = self._decoder.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
        for _ in range(self._depth):
            if found is None or found is msgspec.UNSET:
                return None
            found = getattr(found, _HELD)
        return str(found) if isinstance(found, str | int) and found != "" else None

    def _look_along(self, path: Path, looked_for: Any) -> None:
        if not path.steps or not all(isinstance(step, str) for step in path.steps):
            return  # places in lists are rare, and not worth a second way of finding them
        import msgspec  # noqa: PLC0415 - only runs that read pages need it

        for step in reversed(path.steps):
            looked_for = (
                msgspec.defstruct("Around", [(_HELD, looked_for, msgspec.UNSET)], rename={_HELD: str(step)}) | None
            )
        self._decoder = msgspec.json.Decoder(looked_for)
        self._depth = len(path.steps)
