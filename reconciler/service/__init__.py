"""A Treasure-Data-compatible service that runs in the user's own process, on files below one folder.

What enters are requests as the vendor's clients send them (form, multipart or JSON); what leaves are the vendor's shapes.
`routes/` answers, `app` puts the routes together, `opening` builds the `Service` behind them.
`storage`, `catalog`, `queries`, `connections`, `loads` and `jobs` keep metadata in SQLite, credentials sealed;
`warehouse` keeps rows in DuckDB, and `dialect` translates Trino and Hive for it.
`runner` works off jobs in threads, `querying` and `loading` say how; `scheduler` fires what is due.
Deliveries and imports are somebody else's: they come in as `Exporter` and `Importer`.
It must not know who calls it, nor any vendor but the one it stands for.
"""
