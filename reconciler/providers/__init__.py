"""Each vendor in the engine's words: the port `reconciler.ports.provider.Provider`, one folder a vendor.

What enters are declared resources, remembered records and questions; what leaves are attributes to compare, observations and
calls at the vendor through its client in `reconciler.apis`. Every folder has `provider` (the verbs), `wire` (ours to theirs and
back, pure) and `limits` (what the vendor cannot do, said before any call). Vendors do not know each other, the engine or the
manifests' YAML; what they have in common is the port.
"""
