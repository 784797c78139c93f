"""Selectors of the CRM's world."""
