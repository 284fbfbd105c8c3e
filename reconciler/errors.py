"""Every error tdr raises on purpose, with the exit code the command line gives it.

TdrError                      1   something failed; the message says what, where and what now
├── UsageError               64   the command line makes no sense
├── ManifestError             7   documents have to be changed; carries all diagnostics
│                             1   none has to: only secrets that they refer to cannot be resolved
├── Blocked                   3   a gate holds the plan; a person must decide
├── StalePlan                 4   a saved plan no longer fits, or was used
├── LockHeld                  5   somebody else is writing
├── Interrupted               something was left for the next run, because this one was asked to end
├── StateError                1   state is damaged, or another writer won
│   └── NotKept                   a run or an earlier state that is asked for is not there, or no longer
├── SecretError               1   a secret cannot be resolved
└── ProviderError             1   a vendor said no, or said nothing
    ├── Transient                 worth trying again, after *retry_after_s*
    │   └── OutcomeUnknown        a write may or may not have acted: look before repeating
    └── Permanent                 trying again will not help
        ├── NotFound              404: the thing asked for is not there
        ├── Denied                401 or 403: not known, or not allowed
        └── Conflict              409, or the vendor's word for "exists already"

Ended               130/143/1     a signal, or --timeout, ends the run at once; no TdrError, so that nobody answers for it
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from reconciler.diagnostics import UNRESOLVED_SECRET, Diagnostic

SUCCESSES: Final = frozenset({0, 2})
"""Exit codes of a command that came to its result: all is done, or there are differences. No error has one of them."""


class TdrError(Exception):
    """An error with a message for the user. *hint* says what to do now."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        """Hold the one-sentence *message* and the *hint*; neither may contain a secret or personal data."""
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(TdrError):
    """The command line makes no sense."""

    exit_code = 64


class ManifestError(TdrError):
    """Manifests cannot be used. *diagnostics* lists everything found in the pass, in reading order."""

    exit_code = 7

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        """Hold all *diagnostics* of the pass."""
        rules = [diagnostic.rule for diagnostic in diagnostics if diagnostic.is_error]
        many = "s" if len(rules) != 1 else ""
        message = f"{len(rules)} problem{many} in the manifests"
        if set(rules) == {UNRESOLVED_SECRET}:
            # Not the documents are wrong but where they are read: there, another try may find the secret.
            self.exit_code = SecretError.exit_code
            message = f"{len(rules)} secret{many} of the manifests cannot be resolved"
        super().__init__(message)
        self.diagnostics = tuple(diagnostics)


class Blocked(TdrError):
    """A gate holds the plan."""

    exit_code = 3


class StalePlan(TdrError):
    """A saved plan no longer fits what is there, or was applied before."""

    exit_code = 4


class LockHeld(TdrError):
    """Another process holds the state lock."""

    exit_code = 5


class Interrupted(TdrError):
    """The run was asked to end, and this was left for the next one."""


class Ended(BaseException):
    """The run is asked to end at once. Raised where signals are handled, and caught where the program ends."""

    def __init__(self, exit_code: int, message: str, *, hint: str = "") -> None:
        """Hold what the process ends with, the one-sentence *message* and the *hint*."""
        super().__init__(message)
        self.exit_code = exit_code
        self.message = message
        self.hint = hint


class StateError(TdrError):
    """The state cannot be trusted or could not be written."""


class NotKept(StateError):
    """A run or an earlier state is not there. One that was listed a moment ago has been let go of by who writes."""


class SecretError(TdrError):
    """A secret reference cannot be resolved."""


class ProviderError(TdrError):
    """A vendor refused or did not answer. *status* is the HTTP status, *request_id* the vendor's id of the call."""

    def __init__(self, message: str, *, hint: str = "", status: int | None = None, request_id: str = "") -> None:
        """Hold the message with the vendor's words, already scrubbed and shortened."""
        super().__init__(message, hint=hint)
        self.status = status
        self.request_id = request_id


class Transient(ProviderError):
    """Trying again may help. *retry_after_s* is what the vendor asked for, if it did."""

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        status: int | None = None,
        request_id: str = "",
        retry_after_s: float | None = None,
    ) -> None:
        """Hold the message and how many seconds the vendor asked to wait."""
        super().__init__(message, hint=hint, status=status, request_id=request_id)
        self.retry_after_s = retry_after_s


class OutcomeUnknown(Transient):
    """A write was sent and no usable answer came back, so it may have acted."""


class Permanent(ProviderError):
    """Trying again will not help."""


class NotFound(Permanent):
    """The vendor answered that the thing is not there."""


class Denied(Permanent):
    """The vendor does not know us (401) or does not let us (403). Never to be read as absence."""


class Conflict(Permanent):
    """The vendor answered that the name is taken or the object in use."""
