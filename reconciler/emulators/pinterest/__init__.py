"""Pinterest's API v5, as far as audiences need it: ad accounts, customer lists, audiences, OAuth.

A request passes the `gate` (limits, token, scope, ids, role, body), then one function of `accounts`, `customer_lists`,
`audiences`, `user_account` or `oauth` turns it into an answer from the `world`. `records` reads members and `members`
keeps them, as digests only; the vendor API never gives them back. What the documentation leaves open is a `knobs` entry.
Under ``/_control`` (`control`) tests look behind the curtain and act as somebody in the console would.
"""
