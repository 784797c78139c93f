"""Views of the CRM's world."""
