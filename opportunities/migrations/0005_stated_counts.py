"""Whoever rewrites or undoes history states stage entry and pushes himself; only ordinary changes count on."""

from django.db import migrations

TRACKED_FIELDS = (
    "name",
    "account_id",
    "owner_id",
    "process_id",
    "stage_id",
    "status",
    "category",
    "subcategory_id",
    "amount",
    "currency_id",
    "list_amount",
    "probability",
    "close_date",
    "started_on",
    "next_step",
    "deal_type",
    "lead_source",
    "territory_id",
    "product_id",
    "is_deleted",
)
NEW_ROW = ", ".join(f"NEW.{f}" for f in TRACKED_FIELDS)
OLD_ROW = ", ".join(f"OLD.{f}" for f in TRACKED_FIELDS)

FORWARD = f"""
CREATE OR REPLACE FUNCTION opportunity_stamp() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    NEW.stage_entered_at := coalesce(NEW.stage_entered_at, NEW.changed_at);
    RETURN NEW;
  END IF;
  IF ROW({NEW_ROW}) IS NOT DISTINCT FROM ROW({OLD_ROW}) THEN
    RETURN NEW;
  END IF;
  IF NEW.version <= OLD.version THEN
    RAISE EXCEPTION 'Deal % changed without a new version: write through opportunities.services.', OLD.id
      USING ERRCODE = 'restrict_violation';
  END IF;
  IF coalesce(current_setting('salesops.rewriting', true), '') = 'on' THEN
    RETURN NEW;  -- the writer states stage entry and pushes, counted from the whole history
  END IF;
  IF NEW.changed_at < OLD.changed_at THEN
    RAISE EXCEPTION 'Deal % changed at %, before its present state began (%): a past change rewrites history.',
      OLD.id, NEW.changed_at, OLD.changed_at USING ERRCODE = 'restrict_violation';
  END IF;
  IF coalesce(current_setting('salesops.stated_counts', true), '') = 'on' THEN
    RETURN NEW;  -- an undo: it takes back the push and the stage entry too
  END IF;
  IF NEW.stage_id IS DISTINCT FROM OLD.stage_id AND NEW.stage_entered_at IS NOT DISTINCT FROM OLD.stage_entered_at THEN
    NEW.stage_entered_at := NEW.changed_at;
  END IF;
  IF OLD.status = 'OPEN' AND NEW.status = 'OPEN'
     AND date_trunc('month', NEW.close_date) > date_trunc('month', OLD.close_date) THEN
    NEW.push_count := NEW.push_count + 1;
  END IF;
  RETURN NEW;
END $$;
"""


class Migration(migrations.Migration):
    """Replace one trigger function."""

    dependencies = [("opportunities", "0004_imports")]
    operations = [migrations.RunSQL(FORWARD, migrations.RunSQL.noop)]
