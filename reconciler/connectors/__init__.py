"""Where rows come from and where they go, one module a vendor.

A source makes rows readable in an SQL connection (`reconciler.ports.exports.Importer`); a destination sends the rows of the
view ``rows`` (`Exporter`). Both read the settings a person wrote for Treasure Data's connector of the same name and mean the
same by them. They use `dataplane` for everything that is no vendor's business, and know neither each other nor the engine.
"""
