"""Adobe's Flow Service, and the token endpoint in front of it, as far as sources need them.

A request passes the `gate` (limits, token, organisation, key, sandbox), then one function of `specs`, `connections` or `flows`
turns it into an answer from the `world`, which keeps sandboxes apart. `patching` is the vendor's way to change an object under
an etag, `paging` its lists. What the documentation leaves open is an entry of `knobs`. Under ``/_control`` (`control`) tests
do what happens at Adobe without us: people change and delete things, time passes, faults strike.
"""
