from django.db import migrations

from opportunities.models.imports import SaidField


class Migration(migrations.Migration):
    """Sentences of imports are kept with the values in them, so that all who read them do so in their own language."""

    dependencies = [("opportunities", "0011_indexes_that_nobody_needs")]

    operations = [
        migrations.AlterField(model_name="importproblem", name="message", field=SaidField()),
        migrations.AlterField(model_name="importproblem", name="cure", field=SaidField()),
        migrations.AlterField(model_name="importbatch", name="error", field=SaidField(blank=True)),
    ]
