"""Audiences at Pinterest.

`provider.PinterestProvider` looks at audiences made of customer lists, renames them and removes them. It makes none: that
takes members, so the first export does it. `wire` translates between manifests and Pinterest, `limits` says what Pinterest
cannot do and which words its export in Treasure Data has.
"""
