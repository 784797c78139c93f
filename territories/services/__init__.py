"""What may be done to quotas."""

from territories.services.quota_file import QuotaReport, import_quotas, read_quotas
from territories.services.writing import QuotaError, preview_quotas, set_quotas, undo_quotas

__all__ = [
    "QuotaError",
    "QuotaReport",
    "import_quotas",
    "preview_quotas",
    "read_quotas",
    "set_quotas",
    "undo_quotas",
]
