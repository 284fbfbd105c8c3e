"""tdr: plan and apply for customer-data activation.

Manifests in git say which audiences, activations, schedules, imports and connections there should be. `manifest` reads
them, `engine` compares them with what the `providers` observe and with what `stores` remember, and changes what differs.
`service` answers the Treasure Data API on this machine for those who have no account; `dataplane` and `connectors` move
its rows. `.importlinter` says who may import whom.
"""

__version__ = "0.1.0"
