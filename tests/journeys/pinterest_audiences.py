"""Runs in the environment of Pinterest's own client: makes the audiences of its standard input, prints their ids.

Reads PINTEREST_API_URI and PINTEREST_ACCESS_TOKEN as that client does.
Input is a JSON list of ``[ad account, title, description]``.
"""

from __future__ import annotations

import json
import os
import sys

from pinterest.ads.audiences import Audience
from pinterest.ads.customer_lists import CustomerList
from pinterest.client import PinterestSDKClient

client = PinterestSDKClient.create_client_with_token(os.environ["PINTEREST_ACCESS_TOKEN"])
ids = []
for account, title, description in json.load(sys.stdin):
    people = CustomerList.create(account, "people", "jane@example.com", client=client)
    rule = {"customer_list_id": people.id}
    ids.append(Audience.create(account, title, rule, "CUSTOMER_LIST", description, client=client).id)
json.dump(ids, sys.stdout)
