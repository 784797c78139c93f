"""Django's PostgreSQL engine, with the wall."""
