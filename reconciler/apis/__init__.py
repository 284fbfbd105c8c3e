"""One typed client a vendor: its paths, fields and answers, and nothing of what tdr does with them.

What enters are ids, names and bodies in the vendor's words; what leaves are its answers as values, or the errors that
`reconciler.http` makes of refusals and silence. Each client says of every write whether twice is as once. Per vendor there is
the client (`pinterest`, `treasure_data`), a `…_connect` that builds it from credentials, and beside it how the vendor words
answers (`pinterest_values`, `pinterest_dialect`), renews tokens (`pinterest_oauth`) and is found (`treasure_data_endpoint`).
The engine is not known here, nor are manifests and the state.
"""
