"""Connections and tasks in a tenant of Qlik Cloud.

`provider.QlikProvider` hands each kind to its family: `connections` makes connections, which wait for a person until somebody
has let them in. `sources` finds out how Qlik calls things, for it does not publish that.
"""
