"""Files in a bucket that speaks S3, for sources and destinations of rows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reconciler.errors import Conflict, Denied, NotFound, Permanent, Transient
from reconciler.ports.buckets import BucketPlace
from reconciler.stores.s3_client import s3_client

_CHUNK_BYTES = 8_000_000
_ONE_REQUEST_BYTES = 64_000_000
"""What is sent at once is in memory at once."""
_CODE = re.compile(r"<Code>(\w{1,60})</Code>")


class S3Bucket:
    """A `Bucket` at AWS, MinIO, Cloudflare R2 and others."""

    def __init__(self, place: BucketPlace) -> None:
        """Ask nothing yet.

        Raises:
            UsageError: obstore is not installed.
        """
        self._store = s3_client(
            place.bucket,
            place.prefix,
            region=place.region,
            endpoint=place.endpoint,
            access_key_id=place.access_key_id,
            secret_access_key=place.secret_access_key,
            session_token=place.session_token,
            what="files",
        )
        self.where = f"s3://{place.bucket}" + (f"/{place.prefix}" if place.prefix else "")

    def sizes(self, below: str) -> Mapping[str, int]:
        """Key -> size in bytes of the objects below a folder, by key."""
        import obstore  # noqa: PLC0415 - as in `s3_client`

        try:
            metas = [meta for chunk in obstore.list(self._store, below.rstrip("/") or None) for meta in chunk]
        except (obstore.exceptions.BaseError, FileNotFoundError) as error:
            raise self._failed(error, "listed") from None
        return {meta["path"]: meta["size"] for meta in sorted(metas, key=lambda meta: meta["path"])}

    def fetch(self, key: str, path: Path) -> None:
        """Write an object to a file."""
        import obstore  # noqa: PLC0415 - as above

        try:
            with path.open("wb") as file:
                for chunk in obstore.get(self._store, key).stream(min_chunk_size=_CHUNK_BYTES):
                    file.write(chunk)
        except (obstore.exceptions.BaseError, FileNotFoundError) as error:
            raise self._failed(error, f"read: `{key}`") from None

    def store(self, path: Path, key: str) -> None:
        """Make an object of a file, in parts where it is large: it is there when the last one is."""
        import obstore  # noqa: PLC0415 - as above

        try:
            with path.open("rb") as file:
                obstore.put(self._store, key, file)
        except (obstore.exceptions.BaseError, FileNotFoundError) as error:
            raise self._failed(error, f"written: `{key}`") from None

    def version(self, key: str) -> str:
        """The object's tag; "" where there is none."""
        import obstore  # noqa: PLC0415 - as above

        try:
            return str(obstore.head(self._store, key)["e_tag"])
        except FileNotFoundError:
            return ""
        except obstore.exceptions.BaseError as error:
            raise self._failed(error, f"read: `{key}`") from None

    def exchange(self, path: Path, key: str, seen: str) -> None:
        """In one request on a condition, unless the file is large: no condition holds over the parts of an upload, so that one
        is looked for right before it.
        """
        import obstore  # noqa: PLC0415 - as above

        is_large = path.stat().st_size > _ONE_REQUEST_BYTES
        if is_large and self.version(key) != seen:
            raise self._moved(key)
        try:
            with path.open("rb") as file:
                if is_large:
                    obstore.put(self._store, key, file)
                else:
                    mode: Any = {"e_tag": seen} if seen else "create"
                    obstore.put(self._store, key, file, mode=mode, use_multipart=False)
        except (obstore.exceptions.AlreadyExistsError, obstore.exceptions.PreconditionError):
            raise self._moved(key) from None
        except (obstore.exceptions.BaseError, FileNotFoundError) as error:
            raise self._failed(error, f"written: `{key}`") from None

    def _moved(self, key: str) -> Conflict:
        return Conflict(f"`{key}` in {self.where} was changed meanwhile")

    def _failed(self, error: Exception, what: str) -> Permanent | Transient:
        """In our words: the client's own quote addresses with signatures."""
        import obstore  # noqa: PLC0415 - as above

        if isinstance(error, obstore.exceptions.PermissionDeniedError | obstore.exceptions.UnauthenticatedError):
            return Denied(
                f"{self.where} refuses the credentials; it cannot be {what}",
                hint="see whether they have run out and may list, read and write below that prefix",
            )
        code = _CODE.search(str(error))
        if code is not None and code[1] == "NoSuchBucket":
            return NotFound(f"{self.where} cannot be {what}: there is no such bucket")
        if isinstance(error, FileNotFoundError | obstore.exceptions.NotFoundError):
            return NotFound(f"{self.where} cannot be {what}: it is not there")
        if code is not None:
            return Transient(f"{self.where} cannot be {what}: {code[1]}")
        return Transient(
            f"{self.where} cannot be {what}: its store does not answer ({type(error).__name__})",
            hint="check `endpoint` of the connection, the network and the proxy",
        )
