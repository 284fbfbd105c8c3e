"""One request that got as far as somebody who answers it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.emulators.answering import Disturbed
from reconciler.emulators.pinterest.objects import Account, Audience, CustomerList
from reconciler.emulators.pinterest.refusals import invalid, not_found
from reconciler.emulators.pinterest.world import World
from reconciler.model.json import Json


@dataclass(frozen=True, slots=True)
class Call(Disturbed):
    """A request whose token, role and ids were found good. *body* is empty where there is none.

    account: the one of the path; None for paths without one.
    lists: all values of each parameter of the query, for those that may be there more than once.
    origin: where this Pinterest listens, without a path.
    """

    world: World
    path: str
    ids: Mapping[str, str]
    query: Mapping[str, str]
    body: Mapping[str, Json]
    account: Account | None
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    origin: str = ""

    @property
    def account_id(self) -> str:
        """The id in the path, which the gate has checked."""
        return self.ids["ad_account_id"]

    def customer_list(self) -> CustomerList:
        """The list of the path.

        Raises:
            Refused: 404, it is not in this account.
        """
        found = self.world.lists.get(self.ids["customer_list_id"])
        if found is None or found.account_id != self.account_id:
            raise not_found("Customer list")
        return found

    def audience(self) -> Audience:
        """The audience of the path, also when it was removed.

        Raises:
            Refused: 404, it is not in this account.
        """
        found = self.world.audiences.get(self.ids["audience_id"])
        if found is None or found.account_id != self.account_id:
            raise not_found("Audience")
        return found

    def text(self, name: str) -> str:
        """A string that the body must have.

        Raises:
            Refused: 400.
        """
        value = self.body.get(name)
        if value is None:
            raise invalid(f"'{name}' is a required property")
        if not isinstance(value, str):
            raise invalid(f"'{name}' is not of type 'string'")
        return value

    def choice(self, name: str, choices: tuple[str, ...], *, default: str | None = None) -> str:
        """One of *choices*, in exactly this spelling.

        Raises:
            Refused: 400.
        """
        if default is not None and name not in self.body:
            return default
        value = self.text(name)
        if value not in choices:
            raise invalid(f"'{name}' value {value!r} is not one of {list(choices)}")
        return value

    def name(self) -> str:
        """The name in the body.

        Raises:
            Refused: 400.
        """
        name = self.text("name")
        if not 1 <= len(name) <= self.world.knobs.name_limit:
            raise invalid(f"'name' must have 1 to {self.world.knobs.name_limit} characters")
        return name
