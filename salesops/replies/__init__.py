"""Answers kept by the key their request bore, so that asking again does nothing twice."""
