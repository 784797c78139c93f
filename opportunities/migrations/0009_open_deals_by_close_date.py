from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """An index for lists of open deals; built beside the writers, who need not wait for it."""

    atomic = False
    dependencies = [("opportunities", "0008_effects_keep_what_imports_left")]

    operations = [
        AddIndexConcurrently(
            model_name="opportunity",
            index=models.Index(
                condition=models.Q(("is_deleted", False), ("status", "OPEN")),
                fields=["close_date", "id"],
                include=("category", "currency", "amount", "probability"),
                name="opportunity_open",
            ),
        ),
    ]
