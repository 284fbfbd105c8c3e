"""Rows on their way between a query result and a vendor.

In comes a relation with an identifier per row; `identifiers` turns it into 32-byte keys inside the SQL engine, and sorts
out with a reason what cannot be sent. `keyfile` keeps keys on disk, flat and in the order they travel; `ledger` remembers
per target which keys the vendor has for certain and which it may have, so that the difference between two query results can
be sent and a killed run goes on without loss. `batches` makes request bodies of exactly the size asked for, and sends one
while the next is made; `quarantine` lists rejected rows by number and reason, never by value.
`exporter` and `importer` hand a request to the destination or source that knows its type; they are given those by the
wiring and know no vendor. Memory does not grow with the number of rows: what does not fit is spilled by the engine.
"""
