"""Stand-ins for vendors, answering real HTTP on the loopback interface.

What enters are requests as the vendor documents them and, under ``/_control``, what a test wants to happen: faults, knobs,
time. What leaves are the vendor's answers, byte for byte as far as we know them. An emulator shares no code with our
clients, so that a misunderstanding on one side shows.

`answering`, `console`, `faults`, `interference`, `connection`, `traffic` and `timeline` know no vendor; `serving` runs any of
them; each vendor has a folder of its own; `sandbox` starts the Pinterest one, and the `sandbox` in the folder of each other
vendor that one, for tests and for ``tdr sandbox``.
"""
