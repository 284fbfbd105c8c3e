"""What vendors show in the place of a secret. It is never stored or compared, and never taken for a secret.

Certain are the masks that a vendor documents or answered with; supposed are those that its clients and pages hint at. Both
are recognised when they are read, for mistaking a mask for a value would store it. Only what no secret can be is refused.
"""

from __future__ import annotations

import re
from typing import Final

CERTAIN: Final = {
    # Treasure Data's page of the bulk load API: secrets of `in` read as this; passwords of result addresses do too.
    "treasure_data": ("***",),
}
SUPPOSED: Final = {
    # Of connections and CDP activations nothing is documented. These are what Rails applications, of which Treasure Data's
    # console is one, and forms put there; not seen in an answer so far.
    "treasure_data": ("[FILTERED]", "--------"),
}
# Masks differ in length between screens and versions: any run of these characters is one.
_RUN: Final = re.compile(r"\*{3,}|-{4,}|•{3,}|[xX]{8,}")
_WORDS: Final = frozenset(
    mask.casefold() for masks in (*CERTAIN.values(), *SUPPOSED.values(), ("(secret)", "<hidden>")) for mask in masks
)
_BEGIN: Final = frozenset("*-•xX[(<")


def is_mask(value: str) -> bool:
    """Whether *value* stands for a secret that is not told: stars, dashes, dots, ``[FILTERED]`` and our own ``(secret)``."""
    return value[:1] in _BEGIN and (_RUN.fullmatch(value) is not None or value.casefold() in _WORDS)
