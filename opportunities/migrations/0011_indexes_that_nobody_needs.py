from django.contrib.postgres.operations import RemoveIndexConcurrently
from django.db import migrations, models
from django.db.models.deletion import PROTECT

DROPPED = {
    "opportunities_opportunity_currency_id_b2cf3115": ("opportunities_opportunity", "currency_id"),
    "opportunities_opportunity_currency_id_b2cf3115_like": (
        "opportunities_opportunity",
        "currency_id varchar_pattern_ops",
    ),
    "opportunities_opportunity_owner_id_5cc046c5": ("opportunities_opportunity", "owner_id"),
    "opportunities_opportunity_process_id_98921c82": ("opportunities_opportunity", "process_id"),
    "opportunities_opportunity_subcategory_id_8869d683": ("opportunities_opportunity", "subcategory_id"),
    "opportunities_opportunityline_opportunity_id_f3a8a1e1": (
        "opportunities_opportunityline",
        "opportunity_id",
    ),
    "opportunities_opportunityversion_currency_id_e3a48046": (
        "opportunities_opportunityversion",
        "currency_id",
    ),
    "opportunities_opportunityversion_currency_id_e3a48046_like": (
        "opportunities_opportunityversion",
        "currency_id varchar_pattern_ops",
    ),
    "opportunities_opportunityversion_opportunity_id_a7d83619": (
        "opportunities_opportunityversion",
        "opportunity_id",
    ),
    "opportunities_opportunityversion_owner_id_ea7dd034": ("opportunities_opportunityversion", "owner_id"),
    "opportunities_opportunityversion_process_id_95257677": (
        "opportunities_opportunityversion",
        "process_id",
    ),
    "opportunities_opportunityversion_subcategory_id_4440f814": (
        "opportunities_opportunityversion",
        "subcategory_id",
    ),
}
"""Names the framework gave: they follow from table and column, and are the same everywhere."""


def key(to, **options):
    """As the models have it now."""
    return models.ForeignKey(to, on_delete=PROTECT, db_index=False, **options)


class Migration(migrations.Migration):
    """Indexes that another one begins with, that are there twice, or by which nobody looks deals up: every change of a
    deal wrote each of them. Dropped beside the writers, who need not wait for it, and without the check of every row that
    altering a field would bring.
    """

    atomic = False
    dependencies = [("opportunities", "0010_open_deals_by_owner"), ("organization", "0006_api_tokens")]

    operations = [
        RemoveIndexConcurrently(model_name="opportunity", name="opportunity_account"),
        RemoveIndexConcurrently(model_name="opportunityversion", name="version_change_set"),
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    f"DROP INDEX CONCURRENTLY IF EXISTS {name}",
                    f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON {table} ({columns})",
                )
                for name, (table, columns) in DROPPED.items()
            ],
            state_operations=[
                migrations.AlterField(
                    "opportunityline", "opportunity", key("opportunities.opportunity", related_name="lines")
                ),
                migrations.AlterField(
                    "opportunityversion",
                    "opportunity",
                    key("opportunities.opportunity", related_name="versions"),
                ),
                *(
                    migrations.AlterField(model, name, key(to, related_name=related, **optional))
                    for model in ("opportunity", "opportunityversion")
                    for name, to, related, optional in (
                        ("currency", "organization.currency", "+", {}),
                        ("owner", "organization.person", "%(class)s_set", {"blank": True, "null": True}),
                        ("process", "opportunities.salesprocess", "+", {"blank": True, "null": True}),
                        ("subcategory", "opportunities.subcategory", "+", {"blank": True, "null": True}),
                    )
                ),
            ],
        ),
    ]
