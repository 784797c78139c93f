from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("opportunities", "0007_dated_splits")]

    operations = [
        migrations.AddField(
            model_name="importeffect",
            name="after",
            field=models.JSONField(
                blank=True,
                default=dict,
                help_text="The columns as the import left them; of deals, history tells.",
            ),
        ),
        migrations.AlterField(
            model_name="importeffect",
            name="action",
            field=models.CharField(
                choices=[("CREATED", "Created"), ("UPDATED", "Changed"), ("NOTED", "Noted")], max_length=8
            ),
        ),
    ]
