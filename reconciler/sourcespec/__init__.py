"""Source specifications of Adobe's self-serve sources (Batch SDK): read, checked, and run, without I/O.

`reading` takes texts apart, `checking` finds what is wrong and makes the canonical `Specification` of the rest. For a run,
`addresses` builds requests, `paging` says which one is next, `rows` shapes what came back, and `windows` with `dates` says
which rows are asked for. Whoever has a connection carries it out.

Sources: Adobe's documentation of the Sources SDK; where that is silent, the REST connector of Azure Data Factory, whose
vocabulary the specifications use. What is our own choice is said where it is made, and members of ours are in `x-tdr`.
"""
