"""Rules that manifests are held to.

What enters: the declared resources, and `policy` of `tdr.yaml` and of the environment. What leaves: breaches, each with its
rule, its level and its place. A breach of level `error` makes the manifests invalid, one of level `gate` holds the plan that
would apply it, one of level `warn` is told.

Three sets come with tdr (`safety`, `privacy`, `naming`); rules of a project are data: a selector, a pointer, a comparison.
A waiver lets documents off a rule until a day, and names who answers for it.
This package reads no files, asks nobody and runs nothing that a rule says.
"""
