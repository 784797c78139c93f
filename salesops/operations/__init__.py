"""Running an installation: diagnosis, backup, restore. Used by the commands of the same names."""
