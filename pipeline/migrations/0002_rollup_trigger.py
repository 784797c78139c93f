"""Every change of a deal appends its difference to the roll-up queue, whatever wrote the deal."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION rollup_enqueue() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  cal bigint := (SELECT calendar_id FROM organization_company WHERE id = 1);
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO pipeline_rollupqueue (owner_id, territory_id, family_id, month_id, category, subcategory_id, currency,
                                      deals, unpriced, amount, weighted, queued_at)
    SELECT n.owner_id, n.territory_id, p.family_id, coalesce(f.month_id, 0), n.category, coalesce(n.subcategory_id, 0),
           n.currency_id, count(*), count(*) FILTER (WHERE n.amount IS NULL), coalesce(sum(n.amount), 0),
           coalesce(sum(n.amount * n.probability / 100), 0), clock_timestamp()
    FROM new_rows n
    LEFT JOIN organization_fiscalday f ON f.calendar_id = cal AND f.day = n.close_date
    LEFT JOIN opportunities_product p ON p.id = n.product_id
    WHERE NOT n.is_deleted
    GROUP BY 1, 2, 3, 4, 5, 6, 7;
  ELSE
    INSERT INTO pipeline_rollupqueue (owner_id, territory_id, family_id, month_id, category, subcategory_id, currency,
                                      deals, unpriced, amount, weighted, queued_at)
    SELECT x.owner_id, x.territory_id, p.family_id, coalesce(f.month_id, 0), x.category, coalesce(x.subcategory_id, 0),
           x.currency_id, sum(x.sign), coalesce(sum(x.sign) FILTER (WHERE x.amount IS NULL), 0),
           coalesce(sum(x.sign * x.amount), 0), coalesce(sum(x.sign * x.amount * x.probability / 100), 0),
           clock_timestamp()
    FROM (
      SELECT o.owner_id, o.territory_id, o.product_id, o.close_date, o.category, o.subcategory_id, o.currency_id,
             o.amount, o.probability, -1 AS sign FROM old_rows o WHERE NOT o.is_deleted
      UNION ALL
      SELECT n.owner_id, n.territory_id, n.product_id, n.close_date, n.category, n.subcategory_id, n.currency_id,
             n.amount, n.probability, 1 FROM new_rows n WHERE NOT n.is_deleted
    ) x
    LEFT JOIN organization_fiscalday f ON f.calendar_id = cal AND f.day = x.close_date
    LEFT JOIN opportunities_product p ON p.id = x.product_id
    GROUP BY 1, 2, 3, 4, 5, 6, 7
    HAVING sum(x.sign) <> 0 OR coalesce(sum(x.sign) FILTER (WHERE x.amount IS NULL), 0) <> 0
        OR coalesce(sum(x.sign * x.amount), 0) <> 0 OR coalesce(sum(x.sign * x.amount * x.probability / 100), 0) <> 0;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER rollup_inserted AFTER INSERT ON opportunities_opportunity
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION rollup_enqueue();
CREATE TRIGGER rollup_updated AFTER UPDATE ON opportunities_opportunity
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION rollup_enqueue();
"""

BACKWARD = """
DROP TRIGGER rollup_updated ON opportunities_opportunity;
DROP TRIGGER rollup_inserted ON opportunities_opportunity;
DROP FUNCTION rollup_enqueue();
"""


class Migration(migrations.Migration):
    """Trigger from deals to the roll-up queue."""

    dependencies = [
        ("pipeline", "0001_initial"),
        ("opportunities", "0003_triggers"),
        ("organization", "0001_initial"),
    ]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
