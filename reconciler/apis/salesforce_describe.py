"""What an org tells of its objects, its limits and the rights of the user. All of it is read, and nothing of it is data of people.

Sources: REST API guide (sObject describe, limits, query); object reference, UserPermissionAccess.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Final

from reconciler.errors import NotFound, Permanent, ProviderError
from reconciler.http.client import Client
from reconciler.http.request import get, path
from reconciler.model.json import Json
from reconciler.model.salesforce_objects import ObjectField, ObjectShape

_HARD_DELETE: Final = "PermissionsBulkApiHardDelete"


class Descriptions:
    """Questions about one org."""

    def __init__(self, client: Client, version: str) -> None:
        """Speak *version*, such as ``60.0``."""
        self._client = client
        self._data = path("services", "data", f"v{version}")
        self._shapes: dict[str, ObjectShape | None | ProviderError] = {}

    def shape(self, sobject: str) -> ObjectShape | None:
        """The object as the user may use it; None where there is none that it may see. Asked once, also in vain."""
        if sobject not in self._shapes:
            try:
                self._shapes[sobject] = self._described(sobject)
            except NotFound:
                self._shapes[sobject] = None
            except ProviderError as error:
                self._shapes[sobject] = error
        told = self._shapes[sobject]
        if isinstance(told, ProviderError):
            raise told
        return told

    def _described(self, sobject: str) -> ObjectShape:
        request = get(f"{self._data}{path('sobjects', sobject, 'describe')}")
        told = self._client.json(request)
        if not isinstance(told, Mapping) or not isinstance(told.get("fields"), list):
            raise self._client.unusable(request, "no fields")
        return shape_of(sobject, told)

    def names(self) -> list[str]:
        """API names of all objects that the user may see."""
        told = self._client.json(get(f"{self._data}/sobjects/"))
        objects = told.get("sobjects") if isinstance(told, Mapping) else None
        return (
            [str(one.get("name")) for one in objects or () if isinstance(one, Mapping)]
            if isinstance(objects, list)
            else []
        )

    def count(self, sobject: str) -> int:
        """How many records an object has that the user may see, those in the recycle bin not counted."""
        request = get(f"{self._data}/query/", {"q": f"SELECT COUNT() FROM {sobject}"})
        told = self._client.json(request)
        count = told.get("totalSize") if isinstance(told, Mapping) else None
        if not isinstance(count, int):
            raise self._client.unusable(request, "no count")
        return count

    def may_hard_delete(self) -> bool | None:
        """Whether the user has the permission `Bulk API Hard Delete`; None where the org does not tell. Asked once."""
        return self._hard_delete

    @cached_property
    def _hard_delete(self) -> bool | None:
        request = get(f"{self._data}/query/", {"q": f"SELECT {_HARD_DELETE} FROM UserPermissionAccess"})
        try:
            told = self._client.json(request)
        except Permanent:
            return None
        records = told.get("records") if isinstance(told, Mapping) else None
        first = records[0] if isinstance(records, list) and records else None
        value = first.get(_HARD_DELETE) if isinstance(first, Mapping) else None
        return value if isinstance(value, bool) else None

    def requests_left(self) -> tuple[int, int] | None:
        """Requests that are left of the org's 24 hours, and how many it has; None where the user may not see that."""
        try:
            told = self._client.json(get(f"{self._data}/limits"))
        except Permanent as error:
            if error.status == 410:
                raise
            return None
        daily = told.get("DailyApiRequests") if isinstance(told, Mapping) else None
        left, most = (daily.get("Remaining"), daily.get("Max")) if isinstance(daily, Mapping) else (None, None)
        return (left, most) if isinstance(left, int) and isinstance(most, int) else None


def shape_of(sobject: str, told: Mapping[str, Json]) -> ObjectShape:
    """*sobject* as the answer *told* describes it; what is not told is taken for no."""
    fields = told.get("fields")
    fields = fields if isinstance(fields, list) else []
    return ObjectShape(
        str(told.get("name") or sobject),
        createable=told.get("createable") is True,
        updateable=told.get("updateable") is True,
        deletable=told.get("deletable") is True,
        queryable=told.get("queryable") is True,
        fields=tuple(_field(one) for one in fields if isinstance(one, Mapping)),
    )


def _field(told: Mapping[str, Json]) -> ObjectField:
    def is_so(name: str) -> bool:
        return told.get(name) is True

    length, references = told.get("length"), told.get("referenceTo")
    kind = str(told.get("type") or "")
    return ObjectField(
        name=str(told.get("name") or ""),
        type=kind,
        length=length if isinstance(length, int) and kind not in {"id", "reference"} else 0,
        createable=is_so("createable"),
        updateable=is_so("updateable"),
        # A truth value is false where nobody says otherwise, whatever else is told of it.
        required=is_so("createable")
        and told.get("nillable") is False
        and not is_so("defaultedOnCreate")
        and kind != "boolean",
        external_id=is_so("externalId"),
        id_lookup=is_so("idLookup"),
        unique=is_so("unique"),
        calculated=is_so("calculated"),
        auto_number=is_so("autoNumber"),
        relationship=str(told.get("relationshipName") or ""),
        references=tuple(map(str, references)) if isinstance(references, list) else (),
        compound=str(told.get("compoundFieldName") or ""),
        choices=_choices(told.get("picklistValues")) if is_so("restrictedPicklist") else (),
    )


def _choices(values: Json) -> tuple[str, ...]:
    """The values that may be picked now, of the ``picklistValues`` of a field."""
    listed = values if isinstance(values, list) else []
    return tuple(str(one.get("value")) for one in listed if isinstance(one, Mapping) and one.get("active") is not False)
