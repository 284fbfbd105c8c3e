"""How a process that makes a million objects and ends soon should treat memory."""

from __future__ import annotations

import gc

YOUNG_OBJECTS = 100_000
_M_MMAP_THRESHOLD = -3  # malloc.h of glibc
_LARGE_BYTES = 128 * 1024


def collect_seldom() -> None:
    """A plan of ten thousand resources makes hardly any garbage; by default Python would walk all of it over and over."""
    gc.set_threshold(YOUNG_OBJECTS)


def return_large_blocks() -> None:
    """Give the pages of large blocks back as soon as they are freed.

    A look at the world holds a few lists of many megabytes for a moment. glibc starts to keep such blocks after the first
    one, a tenth of the peak of a large plan. Elsewhere this does nothing.
    """
    import ctypes

    try:
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
    except (OSError, AttributeError, TypeError):
        return
