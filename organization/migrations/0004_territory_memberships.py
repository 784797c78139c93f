"""Who works in which territory since when: many to many, dated, the same pair never twice on one day."""

import datetime

import django.contrib.postgres.constraints
import django.db.models.deletion
from django.contrib.postgres.fields import RangeOperators
from django.db import migrations, models


def _one(column: str) -> models.Func:
    return models.Func(models.F(column), models.F(column), models.Value("[]"), function="int8range")


class Migration(migrations.Migration):
    """Dated memberships of people in territories."""

    dependencies = [("organization", "0003_hierarchy_triggers")]

    operations = [
        migrations.CreateModel(
            name="TerritoryMembership",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("from_date", models.DateField()),
                ("to_date", models.DateField(default=datetime.date(9999, 12, 31))),
                ("recorded_at", models.DateTimeField(auto_now_add=True)),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="memberships",
                        to="organization.person",
                    ),
                ),
                (
                    "territory",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="memberships",
                        to="organization.territory",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("from_date__lt", models.F("to_date"))),
                        name="membership_not_empty",
                    ),
                    django.contrib.postgres.constraints.ExclusionConstraint(
                        name="membership_once_at_a_time",
                        expressions=[
                            (_one("person_id"), RangeOperators.OVERLAPS),
                            (_one("territory_id"), RangeOperators.OVERLAPS),
                            (
                                models.Func(models.F("from_date"), models.F("to_date"), function="daterange"),
                                RangeOperators.OVERLAPS,
                            ),
                        ],
                        deferrable=models.Deferrable.DEFERRED,
                    ),
                ]
            },
        )
    ]
