"""The values tdr reasons about: frozen, comparable, printable, free of I/O.

`address` names a resource; `spec`, `kinds` and `environment` say what a person may write, `duration` how long something
lasts; `secret` is text that never shows; `resource` is one manifest document; `observation` is what a provider read; `record`
is what was last applied; `change` and `plan` are what would be done, with `unknown` for what only an apply can tell;
`activation` is membership and the mode it resolves to.
"""
