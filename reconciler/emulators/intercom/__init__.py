"""Intercom's REST API, as far as an import needs it: contacts, conversations, segments, tags, companies.

A request passes the `gate` (limits, token, version), then one function of `contacts`, `conversations` or `lists` turns it into an
answer from the `world`. `search` is the vendor's query language with its whole days, `paging` its cursors. What the documentation
leaves open is an entry of `knobs`. Under ``/_control`` (`control`) tests do what happens at Intercom without us: contacts are made,
changed, merged and deleted, time passes, faults strike.
"""
