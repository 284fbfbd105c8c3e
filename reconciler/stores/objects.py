"""A shelf in an object store that speaks S3 and writes on conditions: If-None-Match to create, If-Match to replace.

AWS does since 2024, as do MinIO, Cloudflare R2, Ceph and others. One that ignores the conditions would let two writers win;
so they are tried before a state is begun.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext

from reconciler.errors import StateError
from reconciler.http.body import MIB, VARIABLE, most_bytes
from reconciler.model.secret import Secret
from reconciler.ports.readers import readers
from reconciler.ports.store import KEEPS, Keeps
from reconciler.stores.s3_client import s3_client
from reconciler.stores.shelf import DOCUMENT, Kept, TakenError

_PARALLEL = 16
_CODE = re.compile(r"<Code>(\w{1,60})</Code>")
_EXPIRED = ("ExpiredToken", "InvalidToken", "TokenRefreshRequired", "RequestExpired")


class ObjectShelf:
    """Objects below a prefix of a bucket."""

    def __init__(
        self,
        bucket: str,
        prefix: str,
        *,
        region: str = "",
        endpoint: str = "",
        access_key_id: Secret | None = None,
        secret_access_key: Secret | None = None,
        session_token: Secret | None = None,
        keeps: Keeps = KEEPS,
    ) -> None:
        """Use *bucket*, which exists. Credentials that are left out are looked for as AWS's own tools do.

        prefix: tells the states in one bucket apart, such as ``shop/prod``.
        endpoint: address of the store, where it is not AWS.

        Raises:
            UsageError: obstore is not installed.
        """
        self._store = s3_client(
            bucket,
            prefix,
            region=region,
            endpoint=endpoint,
            access_key_id=access_key_id,
            secret_access_key=secret_access_key,
            session_token=session_token,
            what="state",
        )
        self.where = f"s3://{bucket}/{prefix}" + (f" ({endpoint})" if endpoint else "")
        self.caveat = ""
        self.keeps = keeps

    def get(self, key: str) -> Kept | None:
        """The object *key*, or None.

        Raises:
            StateError: it cannot be read, or is longer than an answer may be.
        """
        import obstore  # noqa: PLC0415 - as above

        bound_bytes = most_bytes()
        try:
            found = obstore.get(self._store, key)
            if found.meta["size"] > bound_bytes:
                raise StateError(
                    f"{key} at {self.where} has more than {bound_bytes // MIB:,} MiB",
                    hint=f"see whether bucket and prefix are right; {VARIABLE} says how many MiB an answer may have",
                )
            return Kept(bytes(found.bytes()), self._version(found.meta["e_tag"]))
        except FileNotFoundError:
            return None
        except obstore.exceptions.BaseError as error:
            raise self._failed(error) from error

    def put(self, key: str, data: bytes, expected: str | None) -> str:
        """Write *key*, if it still has the version *expected*."""
        if key == DOCUMENT and expected is None:
            self._try_conditions()
        return self._put(key, data, expected)

    def _put(self, key: str, data: bytes, expected: str | None) -> str:
        import obstore  # noqa: PLC0415 - as above

        try:
            written = obstore.put(self._store, key, data, mode="create" if expected is None else {"e_tag": expected})
        except (obstore.exceptions.AlreadyExistsError, obstore.exceptions.PreconditionError):
            raise TakenError(key) from None
        except (obstore.exceptions.BaseError, FileNotFoundError) as error:
            raise self._failed(error) from error
        return self._version(written["e_tag"])

    def scan(self, prefix: str) -> Sequence[tuple[str, bytes]]:
        """Every object whose key begins with *prefix*, by key."""
        sizes = self.sizes(prefix)
        with readers(min(_PARALLEL, max(1, len(sizes))), "history") as pool:
            found = list(pool.map(self.get, sizes))
        # One that went meanwhile belongs to a journal that has been folded into a new document.
        return [(key, kept.data) for key, kept in zip(sizes, found, strict=True) if kept is not None]

    def sizes(self, prefix: str) -> Mapping[str, int]:
        """Key -> size in bytes, by key."""
        import obstore  # noqa: PLC0415 - as above

        try:
            metas = [meta for chunk in obstore.list(self._store, prefix.rstrip("/")) for meta in chunk]
        except (obstore.exceptions.BaseError, FileNotFoundError) as error:
            raise self._failed(error) from error
        return {meta["path"]: meta["size"] for meta in sorted(metas, key=lambda meta: meta["path"])}

    def remove(self, keys: Iterable[str]) -> None:
        """Remove objects."""
        import obstore  # noqa: PLC0415 - as above

        gone = list(keys)
        try:
            if gone:
                obstore.delete(self._store, gone)
        except FileNotFoundError:
            return
        except obstore.exceptions.BaseError as error:
            raise self._failed(error) from error

    def together(self) -> AbstractContextManager[None]:
        """Each write by itself; the order of the writes is what keeps them safe."""
        return nullcontext()

    def _try_conditions(self) -> None:
        """Find out on an object of our own whether the store heeds conditions.

        Raises:
            StateError: it does not.
        """
        key = f"probe/{uuid.uuid4().hex}"
        version = self._put(key, b"1", None)
        try:
            heeded = self._is_refused(key, None) and self._is_refused(key, f'"{"0" * 32}"')
            if not heeded or self._put(key, b"2", version) == version:
                raise StateError(
                    f"{self.where} does not heed If-None-Match and If-Match, so two writers could both win",
                    hint="use a store that writes on conditions, or another backend",
                )
        finally:
            self.remove([key])

    def _is_refused(self, key: str, expected: str | None) -> bool:
        try:
            self._put(key, b"3", expected)
        except TakenError:
            return True
        return False

    def _version(self, tag: str | None) -> str:
        if not tag:
            raise StateError(
                f"{self.where} gives its objects no ETag, so two writers could both win",
                hint="use a store that writes on conditions, or another backend; see whether something stands between",
            )
        return tag

    def _failed(self, error: Exception) -> StateError:
        import obstore  # noqa: PLC0415 - as above

        # The first line tells what happened; what follows is the answer's XML and the client's own notes.
        words = str(error).partition("\n")[0].partition(": <")[0][:300]
        code = _CODE.search(str(error))
        words += f" ({code[1]})" if code else ""
        refused = obstore.exceptions.PermissionDeniedError, obstore.exceptions.UnauthenticatedError
        # AWS tells of credentials that have run out with 400.
        if isinstance(error, refused) or (code and code[1] in _EXPIRED):
            return StateError(
                f"{self.where} refuses the credentials: {words}",
                hint="see whether they have run out and may read, write, list and remove objects below that prefix",
            )
        return StateError(
            f"the state at {self.where} cannot be reached: {words}",
            hint="what was saved before is untouched; see whether the store answers, then run again",
        )
