"""What the engine and the data plane need from the outside: providers, a state store, a clock, connectors.

Protocols only. Implementations know these; these know only the model.
"""
