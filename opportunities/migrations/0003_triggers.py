"""The one write path: every insert and update of a deal writes its version; history refuses change and deletion."""

from django.db import migrations

# Frozen here: a migration must not change its meaning when the domain grows.
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

COLUMNS = ", ".join(TRACKED_FIELDS)
NEW_ROW = ", ".join(f"NEW.{f}" for f in TRACKED_FIELDS)
OLD_ROW = ", ".join(f"OLD.{f}" for f in TRACKED_FIELDS)
N_ROW = ", ".join(f"n.{f}" for f in TRACKED_FIELDS)
O_ROW = ", ".join(f"o.{f}" for f in TRACKED_FIELDS)
FAR = "'9999-12-31 00:00:00+00'::timestamptz"

FORWARD = f"""
CREATE FUNCTION opportunity_stamp() RETURNS trigger LANGUAGE plpgsql AS $$
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
  IF NEW.changed_at < OLD.changed_at AND coalesce(current_setting('salesops.rewriting', true), '') <> 'on' THEN
    RAISE EXCEPTION 'Deal % changed at %, before its present state began (%): a past change rewrites history.',
      OLD.id, NEW.changed_at, OLD.changed_at USING ERRCODE = 'restrict_violation';
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
CREATE TRIGGER opportunity_stamp BEFORE INSERT OR UPDATE ON opportunities_opportunity
  FOR EACH ROW EXECUTE FUNCTION opportunity_stamp();

CREATE FUNCTION opportunity_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO opportunities_opportunityversion
    (opportunity_id, seq, valid_from, valid_to, recorded_at, superseded_at, change_set_id, source_row, origin, {COLUMNS})
  SELECT n.id, n.version, n.changed_at, {FAR}, clock_timestamp(), {FAR}, n.change_set_id, n.source_row, 'STATED', {N_ROW}
  FROM new_rows n;
  RETURN NULL;
END $$;
CREATE TRIGGER opportunity_inserted AFTER INSERT ON opportunities_opportunity
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION opportunity_inserted();

CREATE FUNCTION opportunity_updated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF coalesce(current_setting('salesops.rewriting', true), '') = 'on' THEN
    RETURN NULL;  -- services.rewrite_history writes the versions itself, in the same transaction
  END IF;
  UPDATE opportunities_opportunityversion v SET valid_to = n.changed_at
  FROM new_rows n JOIN old_rows o ON o.id = n.id
  WHERE v.opportunity_id = n.id AND v.valid_to = {FAR} AND v.superseded_at = {FAR}
    AND ROW({N_ROW}) IS DISTINCT FROM ROW({O_ROW});
  INSERT INTO opportunities_opportunityversion
    (opportunity_id, seq, valid_from, valid_to, recorded_at, superseded_at, change_set_id, source_row, origin, {COLUMNS})
  SELECT n.id, n.version, n.changed_at, {FAR}, clock_timestamp(), {FAR}, n.change_set_id, n.source_row, 'STATED', {N_ROW}
  FROM new_rows n JOIN old_rows o ON o.id = n.id
  WHERE ROW({N_ROW}) IS DISTINCT FROM ROW({O_ROW});
  RETURN NULL;
END $$;
CREATE TRIGGER opportunity_updated AFTER UPDATE ON opportunities_opportunity
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE FUNCTION opportunity_updated();

CREATE FUNCTION version_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    RAISE EXCEPTION 'History is append-only: version % of deal % cannot be deleted.', OLD.seq, OLD.opportunity_id
      USING ERRCODE = 'restrict_violation';
  END IF;
  IF ROW(NEW.id, NEW.opportunity_id, NEW.seq, NEW.valid_from, NEW.recorded_at, NEW.change_set_id, NEW.source_row,
         NEW.origin, {NEW_ROW})
     IS DISTINCT FROM
     ROW(OLD.id, OLD.opportunity_id, OLD.seq, OLD.valid_from, OLD.recorded_at, OLD.change_set_id, OLD.source_row,
         OLD.origin, {OLD_ROW})
     OR (NEW.valid_to <> OLD.valid_to AND OLD.valid_to <> {FAR})
     OR (NEW.superseded_at <> OLD.superseded_at AND OLD.superseded_at <> {FAR}) THEN
    RAISE EXCEPTION 'History is append-only: version % of deal % can only be ended.', OLD.seq, OLD.opportunity_id
      USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER version_guard BEFORE UPDATE OR DELETE ON opportunities_opportunityversion
  FOR EACH ROW EXECUTE FUNCTION version_guard();

CREATE FUNCTION opportunity_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'Deal % cannot be deleted: mark it deleted through opportunities.services.', OLD.id
    USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER opportunity_kept BEFORE DELETE ON opportunities_opportunity
  FOR EACH ROW EXECUTE FUNCTION opportunity_kept();
"""

BACKWARD = """
DROP TRIGGER opportunity_kept ON opportunities_opportunity;
DROP TRIGGER version_guard ON opportunities_opportunityversion;
DROP TRIGGER opportunity_updated ON opportunities_opportunity;
DROP TRIGGER opportunity_inserted ON opportunities_opportunity;
DROP TRIGGER opportunity_stamp ON opportunities_opportunity;
DROP FUNCTION opportunity_kept();
DROP FUNCTION version_guard();
DROP FUNCTION opportunity_updated();
DROP FUNCTION opportunity_inserted();
DROP FUNCTION opportunity_stamp();
"""


class Migration(migrations.Migration):
    """Triggers of the deal tables."""

    dependencies = [("opportunities", "0002_links")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
