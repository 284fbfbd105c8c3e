"""The state of one environment, opened where its `state` says, when somebody first asks for it."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from reconciler.errors import UsageError
from reconciler.manifest import Project
from reconciler.manifest.secrets import SecretReference, SecretValues
from reconciler.model.environment import HistorySpec
from reconciler.model.secret import Secret
from reconciler.model.state_place import HttpPlace, LocalPlace, PostgresPlace, S3Place, StatePlace
from reconciler.ports.clock import Clock
from reconciler.ports.store import KEEPS, Keeps, StateStore
from reconciler.stores.cipher import cipher_of
from reconciler.stores.holding import Writer
from reconciler.stores.local import LocalStore

if TYPE_CHECKING:
    from reconciler.stores.lease import Lock
    from reconciler.stores.shelf import Shelf


@dataclass(slots=True)
class StateOnNeed:
    """Opens the state of *environment* of *project*: what plans nothing needs no database and no secrets.

    folder: where a local state is.
    """

    project: Project
    environment: str
    place: StatePlace
    history: HistorySpec
    folder: Path
    clock: Clock
    environ: Mapping[str, str]
    closing: ExitStack
    _opened: StateStore | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def open(self) -> StateStore:
        """The store; the same one every time.

        Raises:
            UsageError: it needs a package that is not installed.
            SecretError: a secret of its place cannot be resolved, or `TDR_STATE_KEY` is malformed.
        """
        with self._lock:
            if self._opened is None:
                self._opened = self.at(self.place)
            return self._opened

    def at(self, place: StatePlace) -> StateStore:
        """The store at *place*; raises as `open` does."""
        cipher = cipher_of(self.environ)
        name = self.project.spec.project
        match place:
            case LocalPlace():
                return LocalStore(
                    self.folder,
                    self.environment,
                    project=name,
                    clock=self.clock,
                    cipher=cipher,
                    keeps=self._keeps(KEEPS),
                )
            case HttpPlace():
                return self._at_server(place)
            case PostgresPlace():
                from reconciler.stores.postgres import PostgresShelf  # noqa: PLC0415 - only where state is there

                shelf = PostgresShelf(
                    self._resolved(place.connection), f"{name}/{self.environment}", schema=place.schema_name
                )
                self.closing.callback(shelf.close)
                return self._leased(shelf)
            case S3Place():
                from reconciler.stores.objects import ObjectShelf  # noqa: PLC0415 - as above

                objects = ObjectShelf(
                    place.bucket,
                    place.prefix or f"{name}/{self.environment}",
                    region=place.region or "",
                    endpoint=place.endpoint or "",
                    access_key_id=self._maybe_resolved(place.access_key_id),
                    secret_access_key=self._maybe_resolved(place.secret_access_key),
                    session_token=self._maybe_resolved(place.session_token),
                )
                return self._leased(objects)
            case _:
                assert_never(place)

    def place_in(self, written: str) -> StatePlace:
        """A place that is no longer the environment's: ``local``, or what the YAML file *written* says as `state` does.

        Raises:
            UsageError: the file cannot be read, or names no place.
        """
        import yaml  # noqa: PLC0415 - only where a state moves
        from pydantic import TypeAdapter, ValidationError  # noqa: PLC0415 - as above

        from reconciler.manifest.interpolation import Unresolved, Values, resolve  # noqa: PLC0415 - as above

        if written == "local":
            return LocalPlace()
        hint = "write `local`, or name a file with the mapping that `state` of the environment was"
        problems: list[Unresolved] = []
        secret = SecretValues(self.project.root, self.project.spec.secret_commands, self.environ)
        try:
            tree = yaml.safe_load(Path(written).read_bytes())
            resolved = resolve(tree, Values({}, self.environ, secret), problems.append)
            place: StatePlace = TypeAdapter(StatePlace).validate_python(resolved)
        except OSError as error:
            raise UsageError(f"{written!r} cannot be read: {error.strerror}", hint=hint) from error
        except yaml.YAMLError as error:
            raise UsageError(f"{written!r} is not YAML", hint=hint) from error
        except ValidationError as error:
            if problems:
                raise UsageError(f"{written!r}: {problems[0].message}", hint=problems[0].hint) from None
            # What pydantic says may hold what was written, which may be a password.
            paths = sorted({".".join(str(part) for part in each["loc"]) for each in error.errors()})
            raise UsageError(f"{written!r} names no place of a state: see {', '.join(paths)}", hint=hint) from None
        return place

    def _at_server(self, place: HttpPlace) -> StateStore:
        from reconciler.stores.http import HttpShelf  # noqa: PLC0415 - as above
        from reconciler.stores.http_lock import HttpLock  # noqa: PLC0415 - as above
        from reconciler.stores.http_server import Addresses, StateServer  # noqa: PLC0415 - as above

        addresses = Addresses(
            place.address,
            place.lock_address or "",
            place.unlock_address or "",
            place.lock_method,
            place.unlock_method,
            place.update_method,
        )
        server = StateServer(addresses, username=place.username, password=self._maybe_resolved(place.password))
        self.closing.callback(server.close)
        shelf = HttpShelf(server)
        return self._shared(shelf, HttpLock(server, shelf, clock=self.clock, writer=Writer.here(), new_id=_new_id))

    def _leased(self, shelf: Shelf) -> StateStore:
        from reconciler.stores.lease import LeaseLock  # noqa: PLC0415 - as above

        return self._shared(shelf, LeaseLock(shelf, clock=self.clock, writer=Writer.here(), new_id=_new_id))

    def _shared(self, shelf: Shelf, lock: Lock) -> StateStore:
        from reconciler.stores.shared import SharedStore  # noqa: PLC0415 - as above

        return SharedStore(
            shelf,
            self.environment,
            lock,
            project=self.project.spec.project,
            clock=self.clock,
            cipher=cipher_of(self.environ),
            keeps=self._keeps(shelf.keeps),
        )

    def _keeps(self, fits: Keeps) -> Keeps:
        """What is to be kept where *fits* is what a place keeps when nobody says otherwise."""
        return replace(fits, runs=self.history.runs or fits.runs, runs_for_s=self.history.max_age)

    def _resolved(self, secret: Secret) -> Secret:
        """The secret with its value, also in runs that resolve no others."""
        if not isinstance(secret, SecretReference):
            return secret
        values = SecretValues(self.project.root, self.project.spec.secret_commands, self.environ)
        return values(secret.reference)

    def _maybe_resolved(self, secret: Secret | None) -> Secret | None:
        return None if secret is None else self._resolved(secret)


def _new_id() -> str:
    return str(uuid.uuid4())
