"""Text of vendors and of people, made harmless for whoever reads it: a terminal, or a page of Markdown.

On a page no value may mention anybody, refer to anything, end a code block, begin a cell or be HTML. So what may mean something
there is written as an HTML entity, also inside `<code>` and `<pre>`, where it shows and is copied as the character that it is.
Sources: CommonMark 0.31, "Entity and numeric character references" (they take no part in the structure) and "HTML blocks"
(nothing inside `<pre>` is Markdown); GitHub and GitLab look for mentions and references outside of code only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote

# Control characters but line ends and tabs; and the marks that reorder a line.
_OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_IN_LINES = re.compile(r"[`@#<>&|*_\[\]{}\\~!$^\u200b]")
_IN_BLOCKS = re.compile(r"[`@#<>&|]")
_SIMPLE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._:/-]*[A-Za-z0-9])?")
_REFERRING = re.compile(r"[@#!$%~&^](?=[\w\"'])|(?i:\bgh-)(?=\d)|(?i:\bhttps?:)(?=//)|(?i:\bwww\.)")
_IN_URLS = ":/?#=&%+,;~"
_CUT = "\u200b"
"""A space without width."""


def visible(text: str) -> str:
    """*text* with escapes in place of what a terminal would obey."""
    return _OBEYED.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def _entities(marks: re.Pattern[str], text: str) -> str:
    return marks.sub(lambda match: f"&#{ord(match[0])};", visible(text))


def prose(text: str) -> str:
    """*text* as words of a sentence, on one line. What would mention, refer or link is cut, which nobody sees."""
    return _entities(_IN_LINES, _REFERRING.sub(lambda match: match[0] + _CUT, " ".join(text.split())))


def code(text: str) -> str:
    """*text* as code on one line."""
    return f"`{text}`" if _SIMPLE.fullmatch(text) else html_code(text)


def html_code(text: str) -> str:
    """*text* as code on one line, where HTML is read and Markdown is not, such as in a summary."""
    return f"<code>{_entities(_IN_LINES, ' '.join(text.split()))}</code>"


def link(text: str, url: str) -> str:
    """*text* as a link to the page *url*; *text* alone where that is none. What could end a link is written as a URL writes it."""
    if not url.startswith(("https://", "http://")):
        return text
    return f"[{text}]({quote(url, safe=_IN_URLS)})"


def block(lines: Iterable[str]) -> str:
    """*lines* as a code block."""
    return "\n".join(("<pre>", _entities(_IN_BLOCKS, "\n".join(lines)), "</pre>"))
