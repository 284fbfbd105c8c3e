"""The text of one file: decoded, with positions and code frames that never show a secret."""

from __future__ import annotations

import re
from functools import cached_property
from itertools import takewhile

from reconciler.diagnostics import Diagnostic, Position, Severity
from reconciler.manifest.characters import UNSHOWABLE, width

# Keys whose values are not shown, whether or not the schema knows them: a misspelled key still has a secret behind it.
SECRET_KEY = re.compile(
    r"secret|token|passw|passphrase|credential|private|api_?key|client_id|authorization|\bpwd\b|\bkey\b", re.IGNORECASE
)
_KEY = re.compile(r"^(?P<lead>\s*(?:- +)*)(?P<key>[^\s#'\"{\[][^:#]*|'[^']*'|\"[^\"]*\")\s*:(?:\s|$)")
_FRAME_LENGTH = 120

BREAK = re.compile("[\n\x85\u2028\u2029]")
"""Where the YAML parser sees a line end (YAML 1.1, section 5.4), once CRLF and CR are LF."""


class Undecodable(Exception):
    """The file is not UTF-8. *offset* counts bytes from 0."""

    def __init__(self, offset: int, byte: int, *, utf_16: bool) -> None:
        """Hold where it stops being UTF-8."""
        super().__init__(offset)
        self.offset = offset
        self.byte = byte
        self.utf_16 = utf_16


def decode(data: bytes) -> str:
    """UTF-8 with or without byte order mark, line ends as LF. Independent of the locale.

    Raises:
        Undecodable: it is something else.
    """
    mark = len(b"\xef\xbb\xbf") if data.startswith(b"\xef\xbb\xbf") else 0
    try:
        text = data[mark:].decode("utf-8")
    except UnicodeDecodeError as error:
        offset = mark + error.start
        raise Undecodable(offset, data[offset], utf_16=data[:2] in (b"\xff\xfe", b"\xfe\xff")) from error
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def undecodable(file: str, error: Undecodable) -> Diagnostic:
    """The diagnostic for a file that is not UTF-8."""
    return Diagnostic(
        "not-utf-8",
        f"is not valid UTF-8: byte 0x{error.byte:02X} at offset {error.offset}",
        position=Position(file),
        hint="it is UTF-16; save the file as UTF-8" if error.utf_16 else "save the file as UTF-8",
    )


def from_line(text: str, line: int) -> str:
    """*text* from *line* (counted from 1) on, all before it blanked, so that line numbers hold."""
    start = 0
    for number, found in enumerate(BREAK.finditer(text), start=1):
        if number == line:
            break
        start = found.end()
    return "\n" * (line - 1) + text[start:]


def key_in(line: str) -> re.Match[str] | None:
    """The key that *line* begins with, if it does: its groups are `lead` and `key`, and it ends where the value begins."""
    return _KEY.match(line)


class Source:
    """One file's text. *file* is relative to the project."""

    def __init__(self, file: str, text: str) -> None:
        """Hold the decoded text."""
        self.file = file
        self.text = text

    @cached_property
    def lines(self) -> list[str]:
        """The lines as the YAML parser counts them."""
        return BREAK.split(self.text)

    def line(self, number: int) -> str:
        """Line *number*, counted from 1; "" beyond the end."""
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ""

    def key_of(self, number: int) -> re.Match[str] | None:
        """The key that line *number* begins with, if it does."""
        return key_in(self.line(number))

    def is_secretive(self, number: int) -> bool:
        """Whether line *number*, or a block it belongs to, has a key that sounds like a secret's."""
        return SECRET_KEY.search(self.line(number)) is not None or self._is_inside_secret(number)

    def _is_inside_secret(self, number: int) -> bool:
        indent = _indent(self.line(number))
        for above in range(number - 1, 0, -1):
            text = self.line(above)
            if not text.strip() or _indent(text) >= indent:
                continue
            key = self.key_of(above)
            if key and SECRET_KEY.search(key["key"]):
                return True
            indent = _indent(text)
            if indent == 0:
                break
        return False

    def _is_beside_secret(self, number: int) -> bool:
        """Whether line *number* has no key and stands among keys of secrets: it may be a value that lost its own."""
        if re.search(r":(\s|$)", self.line(number)):
            return False
        indent = _indent(self.line(number))
        above, below = range(number - 1, 0, -1), range(number + 1, len(self.lines) + 1)
        return any(
            SECRET_KEY.search(self.line(near))
            for side in (above, below)
            for near in takewhile(lambda near: indent and _indent(self.line(near)) >= indent, side)
        )

    def frame(self, line: int, column: int, *, secretive: bool = False) -> str:
        """The source line and a caret below it. Of what may be a secret only the key is shown."""
        text = UNSHOWABLE.sub("·", self.line(line).replace("\t", " "))
        if self._is_inside_secret(line) or self._is_beside_secret(line):
            return ""
        if secretive or SECRET_KEY.search(text):
            key = self.key_of(line)
            text = f"{key[0].rstrip()} …" if key else ""
        elif len(text) > _FRAME_LENGTH:
            text = text[:_FRAME_LENGTH] + "…"
        return text if column > len(text) else f"{text}\n{' ' * width(text[: column - 1])}^"

    def finding(
        self,
        rule: str,
        message: str,
        line: int,
        column: int,
        *,
        severity: Severity = Severity.ERROR,
        path: str = "",
        hint: str = "",
    ) -> Diagnostic:
        """A diagnostic about a place of this file."""
        return Diagnostic(
            rule,
            message,
            severity,
            Position(self.file, line, column),
            path=path,
            hint=hint,
            frame=self.frame(line, column),
        )


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip(" "))
