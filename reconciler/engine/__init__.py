"""Decides what differs and makes it so.

In: declared resources, the state, and providers to ask. `refresh` looks, `resolve` finds out what an audience needs today,
`diff` compares field by field, `decide` turns a look into a change, `planning` orders the changes (`graph`) and takes in what
a killed run left open, `safety` holds what a person must see first. `applying` executes a plan, each change by `execution`
and an audience's first run by `bootstrap`, under the journal of a `session`. `drift` compares the world with the memory.

Must not know: YAML, HTTP, any vendor, or how anything is printed.
"""
