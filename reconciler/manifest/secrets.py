"""Secret references: ``env:NAME``, ``file:PATH`` and ``cmd:PROGRAM ARGUMENTS``, and the values behind them.

No message holds a value, and none holds what a program wrote.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TypeAlias

from reconciler.errors import SecretError
from reconciler.manifest.files import FileRefused, confined
from reconciler.model.masks import is_mask
from reconciler.model.secret import Secret
from reconciler.model.unicode import is_unicode

COMMAND_TIMEOUT_S = 30.0
FORMS = "${secret:env:NAME}, ${secret:file:PATH} or ${secret:cmd:PROGRAM ARGUMENTS}"

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_KEY_OF_OURS = re.compile(r"TDR_(.+_)?KEY")
"""What opens the state and the fingerprints is no business of a program that supplies a secret."""
_SHORTEST_VALUE = 12
"""Characters of what may be a key or a token, when digits are among them; shorter ones are mistyped names."""

SecretSource: TypeAlias = Callable[[str], Secret]
"""Reference -> secret; raises SecretError."""


class MalformedReference(SecretError):
    """A reference has none of the forms that exist."""


class SecretReference(Secret):
    """A secret known by its reference only, for runs that need no values. Asking for the value is an error."""

    __slots__ = ()

    @classmethod
    def to(cls, reference: str) -> SecretReference:
        """The secret behind *reference*, unread."""
        return cls(reference, "")

    def reveal(self) -> str:
        """Never returns.

        Raises:
            SecretError: always.
        """
        raise SecretError(
            f"the secret `{self.reference}` was not resolved in this run", hint="it needs a run that asks vendors"
        )

    def fingerprint(self, key: bytes, path: str) -> str:  # noqa: ARG002 - as the value's own
        """Never returns, for a fingerprint of nothing would look like one of a value.

        Raises:
            SecretError: always.
        """
        self.reveal()
        raise AssertionError

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretReference) and other.reference == self.reference

    def __hash__(self) -> int:
        return hash(self.reference)


def parse(reference: str, commands: Collection[str]) -> tuple[str, str]:
    """Form (``env``, ``file`` or ``cmd``) and the rest of *reference*; looks at no value.

    Raises:
        MalformedReference: it has no known form.
        SecretError: it names a program that *commands* does not allow.
    """
    form, colon, rest = reference.partition(":")
    rest = rest.strip()
    if form not in ("env", "file", "cmd") or not colon or not rest or "\0" in rest:
        name = "" if _may_be_a_value(reference) else re.sub(r"[^A-Z0-9]+", "_", reference.upper()).strip("_")
        hint = f"write ${{secret:env:{name or 'NAME'}}}, or another of {FORMS}"
        raise MalformedReference(f"`${{secret:{_shown(reference)}}}` is no form of a secret reference", hint=hint)
    if form == "env" and not _NAME.fullmatch(rest):
        raise MalformedReference(
            f"{_shown(rest)!r} cannot be the name of an environment variable", hint="letters, digits and _"
        )
    if form == "cmd":
        program = _arguments(rest)[0]
        if program not in commands:
            allowed = ", ".join(sorted(commands)) or "none"
            hint = f"add it to `secret_commands` in tdr.yaml; allowed now: {allowed}"
            raise SecretError(f"the program `{program}` is not allowed to supply secrets", hint=hint)
    return form, rest


def _arguments(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError as error:
        raise MalformedReference(f"the command of a secret does not parse: {error}", hint="close its quotes") from error


def _may_be_a_value(text: str) -> bool:
    """Whether *text* looks like the secret itself, put where its reference belongs."""
    return len(text) >= _SHORTEST_VALUE and re.search(r"[0-9]", text) is not None


def _shown(text: str) -> str:
    return "…" if _may_be_a_value(text) else text


class SecretNames:
    """Takes references for what they are, without looking for values."""

    def __init__(self, commands: Collection[str]) -> None:
        """Allow the programs *commands*."""
        self._commands = commands

    def __call__(self, reference: str) -> Secret:
        """The secret by name.

        Raises:
            SecretError: the reference is malformed, or names a program that is not allowed.
        """
        parse(reference, self._commands)
        return SecretReference.to(reference)


class SecretValues:
    """Looks values up, each reference once."""

    def __init__(self, root: Path, commands: Collection[str], environ: Mapping[str, str]) -> None:
        """Look in *environ*, in files (relative ones inside *root*) and ask the programs *commands*."""
        self._root = root
        self._commands = commands
        self._environ = environ
        self._known: dict[str, Secret | SecretError] = {}

    def __call__(self, reference: str) -> Secret:
        """The secret with its value, which is never empty.

        Raises:
            SecretError: it is missing, empty or unreadable; the message names what was looked for.
        """
        if reference not in self._known:
            try:
                self._known[reference] = Secret(reference, _no_mask(reference, self._value(reference)))
            except SecretError as error:
                self._known[reference] = error
        known = self._known[reference]
        if isinstance(known, SecretError):
            raise known
        return known

    def _value(self, reference: str) -> str:
        form, rest = parse(reference, self._commands)
        if form == "env":
            return self._variable(rest)
        return self._file(rest) if form == "file" else self._answer(rest)

    def _variable(self, name: str) -> str:
        value = self._environ.get(name)
        if value is None:
            raise SecretError(f"the environment variable `{name}` is not set", hint=f"set {name} before running tdr")
        if not value:
            raise SecretError(
                f"the environment variable `{name}` is empty", hint=f"set {name}; a pipeline may not pass it on"
            )
        if not is_unicode(value):
            raise SecretError(
                f"the environment variable `{name}` is not UTF-8",
                hint=f"set {name} to UTF-8 text, or use another secret",
            )
        return value

    def _file(self, path: str) -> str:
        # Secret stores mount files at absolute paths; a relative one must not climb out of the project.
        try:
            file = Path(path) if Path(path).is_absolute() else confined(self._root, path)
            data = file.read_bytes()
        except FileRefused as refused:
            raise SecretError(refused.message, hint=refused.hint) from None
        except OSError as error:
            raise SecretError(
                f"the secret file {path!r} cannot be read: {error.strerror}", hint="check path and rights"
            ) from None
        text = _text(data)
        if text is None:
            raise SecretError(f"the secret file {path!r} is not UTF-8", hint="store the secret as UTF-8 text")
        if not text:
            raise SecretError(f"the secret file {path!r} is empty", hint="write the secret into it")
        return text

    def _answer(self, command: str) -> str:
        arguments = _arguments(command)
        program = arguments[0]
        answer = self._run(arguments)
        if answer is None:
            message = f"the program `{program}` gave no secret within {COMMAND_TIMEOUT_S:.0f} seconds"
            raise SecretError(message, hint="it must not ask questions")
        if answer.returncode != 0:
            hint = "run it by hand to see why; its output is not shown here"
            raise SecretError(f"the program `{program}` failed with exit code {answer.returncode}", hint=hint)
        text = _text(answer.stdout)
        if text is None:
            raise SecretError(f"the program `{program}` gave no UTF-8 text", hint="it must print the secret as text")
        if not text:
            raise SecretError(f"the program `{program}` printed nothing", hint="it must print the secret")
        return text

    def _run(self, arguments: list[str]) -> subprocess.CompletedProcess[bytes] | None:
        """The finished program; None when it took too long. The errors of `subprocess` hold output, so none leaves here."""
        try:
            return subprocess.run(
                arguments,
                cwd=self._root,
                env={name: value for name, value in self._environ.items() if not _KEY_OF_OURS.fullmatch(name)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=COMMAND_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return None
        except OSError as error:
            message = f"the program `{arguments[0]}` cannot be run: {error.strerror}"
            raise SecretError(message, hint="check that it is on PATH") from None


def _no_mask(reference: str, value: str) -> str:
    shown = value.strip()
    if is_mask(shown):
        raise SecretError(
            f"the secret `{reference}` is {shown!r}, which vendors show in the place of a secret",
            hint="it was copied from a screen or an answer that hides it; set the secret itself",
        )
    return value


def _text(data: bytes) -> str | None:
    """The secret in *data*, or None when it is no UTF-8. The last line end is the editor's or program's, not the secret's."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    return text.removesuffix("\n").removesuffix("\r")
