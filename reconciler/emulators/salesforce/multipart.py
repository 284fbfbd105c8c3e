"""A job that comes along with its rows in one request. Source: Bulk API 2.0 guide, bulk insert with a multipart request."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from reconciler.emulators.salesforce.refusals import Refused

_BOUNDARY: Final = re.compile(r'boundary="?([^";]+)"?', re.IGNORECASE)
_NAME: Final = re.compile(rb'content-disposition:[^\n]*\bname="?([^";\r\n]+)"?', re.IGNORECASE)
_BLANK_LINE: Final = re.compile(rb"\r?\n\r?\n")


def parts(content_type: str, body: bytes) -> Mapping[str, bytes]:
    """Name of each part of a form -> what it holds, to the byte.

    Raises:
        Refused: it is no form.
    """
    told = _BOUNDARY.search(content_type)
    if told is None:
        raise _no_form()
    before, *pieces = (b"\n" + body).split(b"\n--" + told[1].strip().encode())
    if before.strip() or not pieces or not pieces[-1].startswith(b"--"):
        raise _no_form()
    found: dict[str, bytes] = {}
    for piece in pieces[:-1]:
        head, *rest = _BLANK_LINE.split(piece, maxsplit=1)
        name = _NAME.search(head)
        if name is None or not rest:
            raise _no_form()
        # The line break before a boundary belongs to the boundary; of CRLF the first half is left here.
        found[name[1].decode(errors="replace")] = rest[0].removesuffix(b"\r")
    return found


def _no_form() -> Refused:
    return Refused(400, "INVALIDJOB", "InvalidJob : the multipart request cannot be read")
