"""Salesforce as far as an export needs it: logins, describe, SOQL, row upserts, Bulk API 1.0 and 2.0.

A request passes the `gate` (version, session, daily budget), then a function of `rest`, `bulk1` or `bulk2` turns it into an
answer from the `world`. `schema` is the fixture model: it is what describe tells and what `writing` checks rows by, 200 at a time
as the vendor does. `soql` is a small part of the query language. What the documentation leaves open is an entry of `knobs`.
Under ``/_control`` (`control`) tests read records, and order faults.
"""
