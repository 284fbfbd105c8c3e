"""A page that may not be longer than somebody takes: what can be missed is left out, in a fixed order, and named."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from reconciler.errors import TdrError


def fitted(render: Callable[[int], str], cuts: Sequence[str], max_chars: int | None) -> str:
    """The fullest page that fits, with a last line that says what was left out.

    render: how many of the cuts are made -> the page, which ends with a line break.
    cuts: what each cut leaves out, in the order in which they are made; "" for one that leaves out nothing here.
    max_chars: characters; None for as many as there are.

    Raises:
        TdrError: even with all cuts it is longer.
    """
    shortest: int | None = None
    for made in range(len(cuts) + 1):
        if made and not cuts[made - 1]:
            continue
        page = render(made) + _missing([cut for cut in cuts[:made] if cut])
        if max_chars is None or len(page) <= max_chars:
            return page
        shortest = min(len(page), shortest or len(page))
    raise TdrError(
        f"what must not be left out takes {shortest} characters, and --max-chars says {max_chars}",
        hint="raise --max-chars, or read the whole with --format text",
    )


def _missing(cut: Sequence[str]) -> str:
    if not cut:
        return ""
    return f"\n**Left out** to make it short enough: {'; '.join(cut)}.\n"
