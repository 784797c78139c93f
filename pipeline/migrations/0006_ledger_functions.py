"""Triggers from the versions of deals to the ledger, what keeps it append-only, and how it is compared with the versions.

Every version that is known and not of zero length stands in the ledger with its sums at `valid_from` and against them
at `valid_to`. A version closed or superseded by an UPDATE adds the difference. A version of zero length may stand with
both rows, which cancel.
"""

from django.db import migrations

FAR = "'9999-12-31 00:00:00+00'::timestamptz"
COLUMNS = "at, owner_id, territory_id, product_id, close_date, category, subcategory_id, currency"
SUMS = "deals, unpriced, amount, weighted"
ADDED = "sum(deals) AS deals, sum(unpriced) AS unpriced, sum(amount) AS amount, sum(weighted) AS weighted"
NOT_NOTHING = "sum(deals) <> 0 OR sum(unpriced) <> 0 OR sum(amount) <> 0 OR sum(weighted) <> 0"
EVENT = """e.at, v.owner_id, v.territory_id, v.product_id, v.close_date, v.category, coalesce(v.subcategory_id, 0),
         v.currency_id, e.sign, CASE WHEN v.amount IS NULL THEN e.sign ELSE 0 END, coalesce(e.sign * v.amount, 0),
         coalesce(e.sign * v.amount * v.probability * 0.01, 0)"""
STANDING = f"NOT v.is_deleted AND v.superseded_at = {FAR} AND v.valid_from < v.valid_to AND e.at < {FAR}"
BEGINS_ENDS = "CROSS JOIN LATERAL (VALUES (v.valid_from, 1), (v.valid_to, -1)) e(at, sign)"

WRITE = f"""
CREATE FUNCTION rollup_ledger_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO pipeline_rollupledger ({COLUMNS}, {SUMS})
  SELECT {EVENT}
  FROM new_rows v {BEGINS_ENDS}
  WHERE {STANDING};
  RETURN NULL;
END $$;
CREATE TRIGGER rollup_ledger_added AFTER INSERT ON opportunities_opportunityversion
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION rollup_ledger_added();

-- What it stood for is taken off, what it stands for now is put in its place; where both are the same, nothing is.
CREATE FUNCTION rollup_ledger_ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO pipeline_rollupledger ({COLUMNS}, {SUMS})
  SELECT {EVENT}
  FROM new_rows v JOIN old_rows o ON o.id = v.id
  CROSS JOIN LATERAL (VALUES
    (v.valid_from, (v.superseded_at = {FAR})::int - (o.superseded_at = {FAR})::int),
    (o.valid_to, (o.superseded_at = {FAR})::int),
    (v.valid_to, -(v.superseded_at = {FAR})::int)) e(at, sign)
  WHERE NOT v.is_deleted AND e.sign <> 0 AND e.at < {FAR}
    AND (v.valid_to <> o.valid_to OR v.superseded_at <> o.superseded_at);
  RETURN NULL;
END $$;
CREATE TRIGGER rollup_ledger_ended AFTER UPDATE ON opportunities_opportunityversion
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION rollup_ledger_ended();

CREATE FUNCTION rollup_ledger_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'The roll-up ledger is append-only.' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER rollup_ledger_kept BEFORE UPDATE OR DELETE ON pipeline_rollupledger
  FOR EACH STATEMENT EXECUTE FUNCTION rollup_ledger_kept();
"""

COMPARE = f"""
CREATE FUNCTION rollup_ledger_differences()
RETURNS TABLE (at timestamptz, owner_id bigint, territory_id bigint, product_id bigint, close_date date,
               category varchar, subcategory_id bigint, currency varchar, deals bigint, unpriced bigint,
               amount numeric, weighted numeric)
LANGUAGE sql STABLE AS $$
  SELECT {COLUMNS}, sum(deals)::bigint, sum(unpriced)::bigint, sum(amount), sum(weighted)
  FROM (
    SELECT {COLUMNS}, -deals AS deals, -unpriced AS unpriced, -amount AS amount, -weighted AS weighted
    FROM pipeline_rollupledger
    UNION ALL
    SELECT {EVENT} FROM opportunities_opportunityversion v {BEGINS_ENDS} WHERE {STANDING}
  ) x
  GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
  HAVING {NOT_NOTHING}
  ORDER BY 1, 2, 3, 4, 5, 6, 7, 8
$$;

-- Mends by adding what is missing: the ledger itself is never rewritten.
CREATE FUNCTION rollup_ledger_mend() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  missing bigint;
BEGIN
  PERFORM rollup_lock_nodes();  -- one at a time, or the same difference would be added twice
  INSERT INTO pipeline_rollupledger ({COLUMNS}, {SUMS}) SELECT {COLUMNS}, {SUMS} FROM rollup_ledger_differences();
  GET DIAGNOSTICS missing = ROW_COUNT;
  RETURN missing;
END $$;
"""


def meaning(rows: str) -> str:
    """The condition that days among these rows are close dates of the ledger."""
    return f"EXISTS (SELECT 1 FROM pipeline_rollupledger l JOIN {rows} d ON l.close_date = d.day)"


# Cells are by month: when a day comes to lie in another month, the checkpoints of that calendar say nothing any more.
DAYS = f"""
CREATE FUNCTION rollup_checkpoint_days() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  touched boolean := false;
BEGIN
  IF NOT EXISTS (SELECT 1 FROM pipeline_rollupledger) THEN
    RETURN NULL;
  END IF;
  PERFORM pg_advisory_xact_lock(7201, 3);  -- not beside a builder, who reads the days
  IF TG_OP <> 'DELETE' THEN
    SELECT {meaning("new_rows")} INTO touched;
    IF touched THEN
      DELETE FROM pipeline_rollupcheckpoint c USING new_rows d WHERE d.calendar_id = c.calendar_id;
    END IF;
  END IF;
  IF TG_OP <> 'INSERT' THEN
    SELECT {meaning("old_rows")} INTO touched;
    IF touched THEN
      DELETE FROM pipeline_rollupcheckpoint c USING old_rows d WHERE d.calendar_id = c.calendar_id;
    END IF;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER rollup_checkpoint_days_added AFTER INSERT ON organization_fiscalday
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION rollup_checkpoint_days();
CREATE TRIGGER rollup_checkpoint_days_removed AFTER DELETE ON organization_fiscalday
  REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION rollup_checkpoint_days();
CREATE TRIGGER rollup_checkpoint_days_updated AFTER UPDATE ON organization_fiscalday
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION rollup_checkpoint_days();
"""

BACKWARD = """
DROP TRIGGER rollup_checkpoint_days_added ON organization_fiscalday;
DROP TRIGGER rollup_checkpoint_days_removed ON organization_fiscalday;
DROP TRIGGER rollup_checkpoint_days_updated ON organization_fiscalday;
DROP TRIGGER rollup_ledger_kept ON pipeline_rollupledger;
DROP TRIGGER rollup_ledger_ended ON opportunities_opportunityversion;
DROP TRIGGER rollup_ledger_added ON opportunities_opportunityversion;
DROP FUNCTION rollup_checkpoint_days(), rollup_ledger_mend(), rollup_ledger_differences(), rollup_ledger_kept(),
  rollup_ledger_ended(), rollup_ledger_added();
"""


class Migration(migrations.Migration):
    """The ledger's triggers; what is already known is written into it once at the end."""

    dependencies = [
        ("pipeline", "0005_ledger_and_checkpoints"),
        ("opportunities", "0005_stated_counts"),
        ("organization", "0001_initial"),
    ]
    operations = [
        migrations.RunSQL(WRITE + COMPARE + DAYS, BACKWARD),
        migrations.RunSQL("SELECT rollup_ledger_mend();", migrations.RunSQL.noop),
    ]
