"""What people type about deals, processes and imports, as values."""
