"""Where state lives between runs, and how it survives whatever ends a run.

`local.LocalStore` keeps one environment in a folder: a document (`document`: the whole state as of the last checkpoint, with
a digest over itself) and a journal (`journal`: one checksummed line for every step since). The state is the document with
the journal's lines applied. A step costs one durable line, however large the state is; a checkpoint folds the lines into a
new document and keeps the old one in the history. `lock` lets one process write; reading takes no lock. Everything
touches the disk through `files`, which is also where tests end the process between two system calls.

What enters and leaves are the values of `model.record` and `ports.store`. Nothing here knows a vendor or a manifest.
"""
