"""The dashboard of `tdr serve`: what is declared and how it is, for people who look instead of read. It changes nothing."""
