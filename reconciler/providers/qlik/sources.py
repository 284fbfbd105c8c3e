"""How Qlik calls what documents speak of: data sources, their properties, gateways and spaces. Asked once each."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar

from reconciler.apis.qlik import QlikClient
from reconciler.apis.qlik_values import Gateway, Source, Space
from reconciler.errors import Permanent
from reconciler.model.qlik import PropertyField

T = TypeVar("T")
NamedT = TypeVar("NamedT", Source, Gateway)

_WORDS: Final[Mapping[PropertyField, frozenset[str]]] = {
    "client_id": frozenset({"clientid", "appid"}),
    "client_secret": frozenset({"clientsecret", "appsecret", "appsecretkey"}),
    "start_time": frozenset({"starttime", "startdate"}),
    "end_time": frozenset({"endtime", "enddate"}),
    "gateway": frozenset({"gateway", "datagateway", "gatewayid", "datagatewayid", "agentid"}),
}
"""What a property may be called, in small letters without anything between: the dialog of the vendor's page says Client Id,
Client secret, Start Time, End Time, Data gateway; the names behind it are not published."""


class Sources:
    """What one tenant calls things. Safe for many threads."""

    def __init__(self, client: QlikClient) -> None:
        """Ask through *client*, each question once."""
        self._client = client
        self._told: dict[str, object] = {}
        self._lock = threading.Lock()

    def source(self, named: str) -> Source:
        """The data source of that name or id.

        Raises:
            Permanent: there is none, or several.
        """
        found = self._all()
        if (meant := _meant(found, named, "data sources")) is not None:
            return meant
        if (meant := _meant(found, named.casefold(), "data sources", str.casefold)) is not None:
            return meant
        near = sorted(one.name for one in found if "pinterest" in one.name.casefold())
        raise Permanent(
            f"Qlik Cloud has no data source {named!r} in this tenant",
            hint=f"write its name or id as `source`; of Pinterest there are: {', '.join(near) or 'none'}",
        )

    def by_id(self, source_id: str) -> Source:
        """The data source of that id, which a tenant may have hidden since; its name is then its id."""
        return next((one for one in self._all() if one.id == source_id), Source(source_id, source_id))

    def names(self, source_id: str, written: Mapping[PropertyField, str]) -> Mapping[PropertyField, str]:
        """Our field -> the property of a data source. *written*: those that a document names itself.

        Raises:
            Permanent: a document names one that is not there.
        """
        known = self.known(source_id)
        for field, name in written.items():
            if name not in known:
                raise Permanent(
                    f"Qlik Cloud: the data source has no property {name!r}, which `property_names` says {field} is",
                    hint=f"it has: {', '.join(known)}",
                )
        told = {field: _only(known, words) for field, words in _WORDS.items()}
        return {field: name for field, name in (told | dict(written)).items() if name}

    def known(self, source_id: str) -> Sequence[str]:
        """Properties that a data source tells of. Nobody says that it takes no others."""
        return self._once(f"properties {source_id}", lambda: self._client.properties(source_id))

    def gateway_id(self, source_id: str, named: str) -> str:
        """Id of the gateway of that name or id.

        Raises:
            Permanent: there is none, or several.
        """
        found = self._once(f"gateways {source_id}", lambda: self._client.gateways(source_id))
        if (meant := _meant(found, named, "data gateways")) is not None:
            return meant.id
        raise Permanent(
            f"Qlik Cloud has no data gateway {named!r} for this data source",
            hint=f"there are: {', '.join(sorted(one.name for one in found)) or 'none'}",
        )

    def gateway_name(self, source_id: str, gateway_id: str) -> str:
        """Name of a gateway; its id where nobody tells."""
        found = self._once(f"gateways {source_id}", lambda: self._client.gateways(source_id))
        return next((one.name for one in found if one.id == gateway_id), gateway_id)

    def space_id(self, name: str) -> str:
        """Id of the space of that name; "" is the personal one.

        Raises:
            Permanent: there is none, or several.
        """
        if not name:
            return ""
        found = [one.id for one in self._spaces() if name in {one.id, one.name}]
        if len(found) == 1:
            return found[0]
        raise Permanent(
            f"Qlik Cloud: the key sees {len(found) or 'no'} space{'s' if len(found) > 1 else ''} called {name!r}",
            hint="make the space, or let the owner of the key into it; of several name the one meant by its id",
        )

    def space_name(self, space_id: str) -> str:
        """Name of a space; its id where the key does not see it."""
        return next((one.name for one in self._spaces() if one.id == space_id), space_id) if space_id else ""

    def _all(self) -> Sequence[Source]:
        return self._once("sources", self._client.sources)

    def _spaces(self) -> Sequence[Space]:
        return self._once("spaces", self._client.spaces)

    def _once(self, question: str, ask: Callable[[], T]) -> T:
        with self._lock:
            if question not in self._told:
                self._told[question] = ask()
            return self._told[question]  # type: ignore[return-value] # a question always has the same type of answer


def _meant(
    found: Sequence[NamedT], named: str, what: str, spelled: Callable[[str], str] = lambda name: name
) -> NamedT | None:
    """The one whose id is *named*, or else the only one of that name.

    Raises:
        Permanent: several have it.
    """
    for one in found:
        if one.id == named:
            return one
    same = [one for one in found if spelled(one.name) == named]
    if len(same) > 1:
        raise Permanent(
            f"Qlik Cloud has {len(same)} {what} called {named!r}",
            hint=f"name the one meant by its id: {', '.join(sorted(one.id for one in same))}",
        )
    return same[0] if same else None


def _only(known: Sequence[str], words: frozenset[str]) -> str:
    """The one of *known* that is one of *words*; "" when none or several are."""
    found = [name for name in known if re.sub(r"[^a-z]", "", name.lower()) in words]
    return found[0] if len(found) == 1 else ""
