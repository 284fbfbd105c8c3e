"""Names for documents of things that are called otherwise where they are."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable

LONGEST = 100
"""Characters, so that a suffix fits into the 120 that a name may have."""


def slug(label: str) -> str:
    """*label* in lower-case letters, digits, ``-``, ``_`` and ``.``; "" when it has nothing of that kind."""
    plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9._-]+", "-", plain)
    return re.sub(r"-{2,}", "-", words)[:LONGEST].strip("-._")


def document_name(kind: str, label: str, remote_id: str, is_free: Callable[[str], bool]) -> str:
    """A name that *is_free*: the same for the same label and id as long as the same names are taken.

    A label of which too little is left, such as one in Japanese, gives the kind and a digest of the id.
    """
    short = hashlib.sha256(f"{kind}/{remote_id}".encode()).hexdigest()[:8]
    kept = slug(label)
    letters = sum(character.isalnum() for character in unicodedata.normalize("NFKC", label))
    if sum(character.isalnum() for character in kept) * 2 < letters or not kept:
        kept = f"{kind}-{short}"
    if is_free(kept):
        return kept
    number = 2
    while not is_free(f"{kept}-{number}"):
        number += 1
    return f"{kept}-{number}"


def secret_name(document: str, field: str) -> str:
    """Environment variable for a secret: ``PINTEREST_MAIN_REFRESH_TOKEN`` of ``pinterest-main`` and ``refresh_token``."""
    name = re.sub(r"[^A-Z0-9]+", "_", f"{document}_{field}".upper())
    return name if not name[0].isdigit() else f"_{name}"
