from django.db import migrations

from opportunities.models.imports import SaidField


class Migration(migrations.Migration):
    """Sentences of imports are kept with the values in them, so that all who read them do so in their own language.

    From `varchar(500)` to `text` no row is written anew and no index built: the lock is held for a moment.
    """

    dependencies = [("opportunities", "0011_indexes_that_nobody_needs")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    f"-- squawk-ignore changing-column-type\n"
                    f"ALTER TABLE opportunities_importproblem ALTER COLUMN {name} TYPE text",
                    f"ALTER TABLE opportunities_importproblem ALTER COLUMN {name} TYPE varchar(500)",
                )
                for name in ("message", "cure")
            ],
            state_operations=[
                migrations.AlterField("importproblem", "message", SaidField()),
                migrations.AlterField("importproblem", "cure", SaidField()),
                migrations.AlterField("importbatch", "error", SaidField(blank=True)),
            ],
        ),
    ]
