"""A login has no language of its own until somebody chooses one; until then its browser is asked."""

from django.db import migrations, models

_FORGET_THE_DEFAULT = "UPDATE organization_user SET language = '' WHERE language = 'en'"
"""English was everybody's without being asked; whoever chose it still has the cookie of the browser they chose it in."""


class Migration(migrations.Migration):
    """`User.language` starts empty."""

    dependencies = [("organization", "0004_territory_memberships")]

    operations = [
        migrations.AlterField(
            model_name="user",
            name="language",
            field=models.CharField(
                blank=True,
                default="",
                help_text="Empty: the language the browser asks for.",
                max_length=8,
            ),
        ),
        migrations.RunSQL(_FORGET_THE_DEFAULT, migrations.RunSQL.noop),
    ]
