"""Where state lives between runs, and how it survives whatever ends a run.

The format is one: a document (`document`: the whole state as of the last checkpoint, with a digest over itself) and a journal
(`journal`: one checksummed line for every step since); the state is the document with the lines applied. `local.LocalStore`
keeps them in a folder, where `lock` lets one process write and everything touches the disk through `files`.
`shared.SharedStore` keeps them on a `shelf`: in PostgreSQL (`postgres`), in an object store (`objects`) or at a server for
Terraform's states (`http`); there `lease` or `http_lock` says who may write. `holding` is how any lock is asked for. A step
costs one durable write, however large the state is; reading takes no lock. What enters and leaves are the values of `model.record`
and `ports.store`. Nothing here knows a vendor or a manifest.
"""
