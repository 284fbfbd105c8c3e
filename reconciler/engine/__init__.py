"""Decides what differs and makes it so.

In: declared resources, the state, and providers to ask. `refresh` looks, `resolve` finds out what an audience needs today,
`diff` compares field by field, `decide` turns a look into a change, `planning` orders the changes, `safety` holds what a
person must see first, `applying` executes under a journal, `bootstrap` takes an audience through its first run,
`recovery` reads what a killed run left open, `drift` compares the world with the memory.

Must not know: YAML, HTTP, any vendor, or how anything is printed.
"""
