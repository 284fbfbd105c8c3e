"""The values tdr reasons about: frozen, comparable, printable, free of I/O.

`address` names a resource; `spec` and the kinds say what a person may write; `secret` is text that never shows; `resource`
is one manifest document; `observation` is what a provider read; `record` and `state` are what was last applied; `change`
and `plan` are what would be done; `activation` is membership and the mode it resolves to.
"""
