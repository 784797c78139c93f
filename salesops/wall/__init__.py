"""The second wall: PostgreSQL itself hides rows from a request that may not read them (ADR 12).

`policies` lists which table is walled and how, `context` says on whose behalf statements run, `postgresql` is the
database engine that tells PostgreSQL so.
"""
