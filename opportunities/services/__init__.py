"""Services of the CRM's world."""
