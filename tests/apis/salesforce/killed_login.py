"""Logs in with a refresh token that rotates, asks for the limits, and is killed while it waits for them: URL and folder."""

import sys
from pathlib import Path

from reconciler.apis.salesforce_connect import Account, connect
from reconciler.model.salesforce import Auth
from reconciler.model.secret import Secret
from reconciler.sealing import MasterKey, Sealer
from reconciler.stores.tokens import SealedTokenStore

if __name__ == "__main__":
    url, folder, *given = sys.argv[1:]
    secrets = {name: Secret(name, one) for name, one in zip(("client_id", "refresh_token"), given, strict=True)}
    store = SealedTokenStore(Path(folder), Sealer(MasterKey("a test", bytes(32))))
    api = connect(Account(Auth.REFRESH_TOKEN, url, secrets), "60.0", store)
    sys.stdout.write("in\n")
    sys.stdout.flush()
    api.descriptions.requests_left()
