from django.db import migrations, models
from django.db.models.deletion import PROTECT

DEAL, VERSION, LINE = (
    "opportunities_opportunity",
    "opportunities_opportunityversion",
    "opportunities_opportunityline",
)
DROPPED = {
    f"{DEAL}_currency_id_b2cf3115_like": (DEAL, "currency_id varchar_pattern_ops"),
    f"{DEAL}_owner_id_5cc046c5": (DEAL, "owner_id"),
    f"{LINE}_opportunity_id_f3a8a1e1": (LINE, "opportunity_id"),
    f"{VERSION}_currency_id_e3a48046": (VERSION, "currency_id"),
    f"{VERSION}_currency_id_e3a48046_like": (VERSION, "currency_id varchar_pattern_ops"),
    f"{VERSION}_opportunity_id_a7d83619": (VERSION, "opportunity_id"),
    f"{VERSION}_process_id_95257677": (VERSION, "process_id"),
    f"{VERSION}_subcategory_id_4440f814": (VERSION, "subcategory_id"),
}
RENAMED = {
    f"{DEAL}_currency_id_b2cf3115": "opportunity_currency",
    f"{DEAL}_process_id_98921c82": "opportunity_process",
    f"{DEAL}_subcategory_id_8869d683": "opportunity_subcategory",
    f"{VERSION}_owner_id_ea7dd034": "version_owner",
}
"""Names the framework gave: they follow from table and column, and are the same everywhere."""
FIELDS = (
    ("currency", "organization.currency", {"related_name": "+"}),
    ("owner", "organization.person", {"related_name": "%(class)s_set", "blank": True, "null": True}),
    ("process", "opportunities.salesprocess", {"related_name": "+", "blank": True, "null": True}),
    ("subcategory", "opportunities.subcategory", {"related_name": "+", "blank": True, "null": True}),
)


def key(to, **options):
    """As the models have it now."""
    return models.ForeignKey(to, on_delete=PROTECT, db_index=False, **options)


def without(name, table, columns):
    """Drop it; backwards, build it anew, also after a build that was interrupted."""
    drop = f"DROP INDEX CONCURRENTLY IF EXISTS {name}"
    return migrations.RunSQL(drop, [drop, f"CREATE INDEX CONCURRENTLY {name} ON {table} ({columns})"])


class Migration(migrations.Migration):
    """Indexes that another one begins with, that are there twice, or by which nobody looks versions up: every change of
    a deal wrote each of them. Dropped beside the writers, who need not wait for it, and without the check of every row
    that altering a field would bring. Dropping waits for whoever reads the table, and nobody waits behind it: no limit.
    """

    atomic = False
    dependencies = [("opportunities", "0010_open_deals_by_owner"), ("organization", "0006_api_tokens")]

    operations = [
        migrations.RunSQL("SET lock_timeout = 0", "SET lock_timeout = '10s'"),
        migrations.SeparateDatabaseAndState(
            database_operations=[
                without("opportunity_account", DEAL, "account_id"),
                without("version_change_set", VERSION, "change_set_id"),
                *(without(name, table, columns) for name, (table, columns) in DROPPED.items()),
            ],
            state_operations=[
                migrations.RemoveIndex("opportunity", "opportunity_account"),
                migrations.RemoveIndex("opportunityversion", "version_change_set"),
                migrations.AlterField(
                    "opportunityline", "opportunity", key("opportunities.opportunity", related_name="lines")
                ),
                migrations.AlterField(
                    "opportunityversion",
                    "opportunity",
                    key("opportunities.opportunity", related_name="versions"),
                ),
                *(
                    migrations.AlterField(model, name, key(to, **options))
                    for model in ("opportunity", "opportunityversion")
                    for name, to, options in FIELDS
                ),
            ],
        ),
        migrations.RunSQL("SET lock_timeout = '10s'", "SET lock_timeout = 0"),
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    f"ALTER INDEX IF EXISTS {name} RENAME TO {new}",
                    f"ALTER INDEX IF EXISTS {new} RENAME TO {name}",
                )
                for name, new in RENAMED.items()
            ],
            state_operations=[
                *(
                    migrations.AddIndex(
                        "opportunity", models.Index(fields=[name], name=f"opportunity_{name}")
                    )
                    for name in ("currency", "process", "subcategory")
                ),
                migrations.AddIndex(
                    "opportunityversion", models.Index(fields=["owner"], name="version_owner")
                ),
            ],
        ),
    ]
