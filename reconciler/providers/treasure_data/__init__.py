"""Treasure Data: databases, tables, saved queries, activations, imports and connections, in the engine's words.

`provider` hands each kind to its family (`databases`, `queries`, `imports`, `connections`). A family turns a spec into
attributes to compare (`names`, `timings`, `results` help), what the vendor tells into the same attributes (`wire`), and a
difference into the vendor's calls. What it cannot hold is said before any call (`limits`). Nothing here reads a manifest,
keeps state or decides; a secret leaves only inside a request. Where the vendor's documents leave something open, `probing` asks
the account (`probed_facts`, `recognising`), and families are told what it answered as `AccountFacts`.
"""
