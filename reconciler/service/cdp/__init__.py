"""Parent segments, folders and segments, as the vendor's customer data platform answers for them.

A parent segment names a master table, attributes joined to it and behaviours beside it. A run builds them into a database
of its own, ``cdp_audience_<id>``: the table ``customers`` and one table a behaviour. A segment is a rule over those tables
(`rules` makes SQL of it), and its population is what that SQL counts.

Two generations of addresses lead to the same objects: ``/audiences/…`` in camel case, and ``/entities/…`` in JSON:API.
"""
