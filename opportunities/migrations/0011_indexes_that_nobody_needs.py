from django.db import migrations, models
from django.db.models.deletion import PROTECT

DEAL, VERSION, LINE = (
    "opportunities_opportunity",
    "opportunities_opportunityversion",
    "opportunities_opportunityline",
)
DROPPED = {
    "opportunity_account": (DEAL, "account_id"),
    "version_change_set": (VERSION, "change_set_id"),
    f"{DEAL}_currency_id_b2cf3115": (DEAL, "currency_id"),
    f"{DEAL}_currency_id_b2cf3115_like": (DEAL, "currency_id varchar_pattern_ops"),
    f"{DEAL}_owner_id_5cc046c5": (DEAL, "owner_id"),
    f"{DEAL}_process_id_98921c82": (DEAL, "process_id"),
    f"{DEAL}_subcategory_id_8869d683": (DEAL, "subcategory_id"),
    f"{LINE}_opportunity_id_f3a8a1e1": (LINE, "opportunity_id"),
    f"{VERSION}_currency_id_e3a48046": (VERSION, "currency_id"),
    f"{VERSION}_currency_id_e3a48046_like": (VERSION, "currency_id varchar_pattern_ops"),
    f"{VERSION}_opportunity_id_a7d83619": (VERSION, "opportunity_id"),
    f"{VERSION}_owner_id_ea7dd034": (VERSION, "owner_id"),
    f"{VERSION}_process_id_95257677": (VERSION, "process_id"),
    f"{VERSION}_subcategory_id_4440f814": (VERSION, "subcategory_id"),
}
"""Names the framework gave follow from table and column, and are the same everywhere."""
NAMED = {
    "opportunity_currency": (DEAL, "currency_id"),
    "opportunity_process": (DEAL, "process_id"),
    "opportunity_subcategory": (DEAL, "subcategory_id"),
    "version_owner": (VERSION, "owner_id"),
}
"""What stays gets a name of its own, built before the framework's goes."""
FIELDS = (
    ("currency", "organization.currency", {"related_name": "+"}),
    ("owner", "organization.person", {"related_name": "%(class)s_set", "blank": True, "null": True}),
    ("process", "opportunities.salesprocess", {"related_name": "+", "blank": True, "null": True}),
    ("subcategory", "opportunities.subcategory", {"related_name": "+", "blank": True, "null": True}),
)


def key(to, **options):
    """As the models have it now."""
    return models.ForeignKey(to, on_delete=PROTECT, db_index=False, **options)


def made(name, table, columns):
    """SQL that builds it, also after a build that was interrupted and left an invalid one."""
    return [gone(name), f"CREATE INDEX CONCURRENTLY {name} ON {table} ({columns})"]


def gone(name):
    """SQL that drops it, if it is there."""
    return f"DROP INDEX CONCURRENTLY IF EXISTS {name}"


class Migration(migrations.Migration):
    """Indexes that another one begins with, that are there twice, or by which nobody looks versions up: every change of
    a deal wrote each of them. Built and dropped beside the writers, who need not wait for it, and without the check of
    every row that altering a field would bring. It waits for whoever is at the table and nobody waits behind it, so
    there is no limit to that.
    """

    atomic = False
    dependencies = [("opportunities", "0010_open_deals_by_owner"), ("organization", "0006_api_tokens")]

    operations = [
        migrations.RunSQL("SET lock_timeout = 0", "SET lock_timeout = '10s'"),
        migrations.SeparateDatabaseAndState(
            database_operations=[
                *(migrations.RunSQL(made(name, *of), gone(name)) for name, of in NAMED.items()),
                *(migrations.RunSQL(gone(name), made(name, *of)) for name, of in DROPPED.items()),
            ],
            state_operations=[
                migrations.RemoveIndex("opportunity", "opportunity_account"),
                migrations.RemoveIndex("opportunityversion", "version_change_set"),
                *(
                    migrations.AddIndex(
                        "opportunity", models.Index(fields=[name], name=f"opportunity_{name}")
                    )
                    for name in ("currency", "process", "subcategory")
                ),
                migrations.AddIndex(
                    "opportunityversion", models.Index(fields=["owner"], name="version_owner")
                ),
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
    ]
