from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """An index for the open deals of some people; built beside the writers, who need not wait for it."""

    atomic = False
    dependencies = [("opportunities", "0009_open_deals_by_close_date")]

    operations = [
        AddIndexConcurrently(
            model_name="opportunity",
            index=models.Index(
                condition=models.Q(("is_deleted", False), ("status", "OPEN")),
                fields=["owner", "close_date", "id"],
                include=("status", "category", "currency", "amount", "probability"),
                name="opportunity_open_owner",
            ),
        ),
    ]
