"""Folding, rebuilding and comparing roll-ups in the database, and what keeps them exact when trees or calendars change.

Two advisory locks (class 7201):
* lock 1 lets one transaction at a time change folded nodes: the folder, a rebuild, a change of a tree;
* lock 2 is held shared by every writer of deals until it commits, and exclusively by what changes the meaning of a
  deal's leaf (the company's calendar, a product's family): it waits for writers under way and holds back new ones.
They are always taken in the order 2, 1. Functions read after taking a lock, so they see what its last holder did: this
needs READ COMMITTED, and says so elsewhere.
"""

from django.db import migrations

SUMS = "deals, unpriced, amount, weighted"
KEYS = "month_id, category, subcategory_id, currency"
ADDED = "sum(deals) AS deals, sum(unpriced) AS unpriced, sum(amount) AS amount, sum(weighted) AS weighted"
NOT_NOTHING = "sum(deals) <> 0 OR sum(unpriced) <> 0 OR sum(amount) <> 0 OR sum(weighted) <> 0"
UPSERT_ADD = """ON CONFLICT (tree, node_id, month_id, category, subcategory_id, currency) DO UPDATE SET
      deals = t.deals + excluded.deals, unpriced = t.unpriced + excluded.unpriced,
      amount = t.amount + excluded.amount, weighted = t.weighted + excluded.weighted"""

# (closure table, with-below tree, own tree, column of a leaf)
TREES = (
    ("organization_personclosure", 1, 2, "owner_id"),
    ("organization_territoryclosure", 3, 5, "territory_id"),
    ("opportunities_productfamilyclosure", 4, 6, "family_id"),
)


def spread(leaf: str) -> str:
    """A select of (tree, node_id, keys, sums) rows: each leaf row at every node that contains it."""
    parts = []
    for closure, below, own, column in TREES:
        parts.append(f"SELECT {own} AS tree, coalesce({column}, 0) AS node_id, {KEYS}, {SUMS} FROM {leaf}")
        parts.append(f"SELECT {below}, 0, {KEYS}, {SUMS} FROM {leaf} WHERE {column} IS NULL")
        parts.append(
            f"SELECT {below}, c.ancestor_id, {KEYS}, {SUMS} FROM {leaf} JOIN {closure} c ON c.descendant_id = {column}"
        )
    return "\n    UNION ALL ".join(parts)


GUARDS = """
CREATE FUNCTION rollup_lock_nodes() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'Roll-ups are changed in READ COMMITTED only, not in %.', current_setting('transaction_isolation');
  END IF;
  PERFORM pg_advisory_xact_lock(7201, 1);
END $$;
"""

# One row per deal: the leaf it belongs to now.
FACTS = f"""
CREATE FUNCTION rollup_facts()
RETURNS TABLE (owner_id bigint, territory_id bigint, family_id bigint, month_id bigint, category varchar,
               subcategory_id bigint, currency varchar, deals bigint, unpriced bigint, amount numeric, weighted numeric)
LANGUAGE sql STABLE AS $$
  SELECT o.owner_id, o.territory_id, p.family_id, coalesce(f.month_id, 0), o.category, coalesce(o.subcategory_id, 0),
         o.currency_id, count(*), count(*) FILTER (WHERE o.amount IS NULL), coalesce(sum(o.amount), 0),
         coalesce(sum(o.amount * o.probability * 0.01), 0)
  FROM opportunities_opportunity o
  LEFT JOIN organization_fiscalday f
    ON f.calendar_id = (SELECT calendar_id FROM organization_company WHERE id = 1) AND f.day = o.close_date
  LEFT JOIN opportunities_product p ON p.id = o.product_id
  WHERE NOT o.is_deleted
  GROUP BY 1, 2, 3, 4, 5, 6, 7
$$;
"""

ENQUEUE = """
CREATE OR REPLACE FUNCTION rollup_enqueue() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  cal bigint;
BEGIN
  PERFORM pg_advisory_xact_lock_shared(7201, 2);
  SELECT calendar_id INTO cal FROM organization_company WHERE id = 1;
  IF TG_OP = 'INSERT' THEN
    INSERT INTO pipeline_rollupqueue (owner_id, territory_id, family_id, month_id, category, subcategory_id, currency,
                                      deals, unpriced, amount, weighted, queued_at)
    SELECT n.owner_id, n.territory_id, p.family_id, coalesce(f.month_id, 0), n.category, coalesce(n.subcategory_id, 0),
           n.currency_id, count(*), count(*) FILTER (WHERE n.amount IS NULL), coalesce(sum(n.amount), 0),
           coalesce(sum(n.amount * n.probability * 0.01), 0), clock_timestamp()
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
           coalesce(sum(x.sign * x.amount), 0), coalesce(sum(x.sign * x.amount * x.probability * 0.01), 0),
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
        OR coalesce(sum(x.sign * x.amount), 0) <> 0 OR coalesce(sum(x.sign * x.amount * x.probability * 0.01), 0) <> 0;
  END IF;
  RETURN NULL;
END $$;
"""

FOLD = f"""
CREATE FUNCTION rollup_fold(max_rows integer) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  folded bigint;
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'Roll-ups are changed in READ COMMITTED only, not in %.', current_setting('transaction_isolation');
  END IF;
  IF NOT pg_try_advisory_xact_lock(7201, 1) THEN
    RETURN -1;  -- somebody else is at it
  END IF;
  WITH taken AS (
    DELETE FROM pipeline_rollupqueue WHERE id = ANY (ARRAY(
      SELECT id FROM pipeline_rollupqueue ORDER BY id LIMIT max_rows FOR UPDATE SKIP LOCKED))
    RETURNING owner_id, territory_id, family_id, {KEYS}, {SUMS}
  ), leaf AS (
    SELECT owner_id, territory_id, family_id, {KEYS}, {ADDED} FROM taken GROUP BY 1, 2, 3, 4, 5, 6, 7
    HAVING {NOT_NOTHING}
  ), nodes AS (
    {spread("leaf")}
  ), applied AS (
    INSERT INTO pipeline_rollupnode AS t (tree, node_id, {KEYS}, {SUMS})
    SELECT tree, node_id, {KEYS}, {ADDED} FROM nodes GROUP BY 1, 2, 3, 4, 5, 6 HAVING {NOT_NOTHING}
    ORDER BY 1, 2, 3, 4, 5, 6
    {UPSERT_ADD}
  )
  SELECT count(*) INTO folded FROM taken;
  RETURN folded;
END $$;
"""

REBUILD = f"""
CREATE FUNCTION rollup_rebuild() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  changed bigint;
BEGIN
  PERFORM rollup_lock_nodes();
  -- One statement, one snapshot: the queue rows deleted are exactly those of the deals summed.
  WITH emptied AS (
    DELETE FROM pipeline_rollupqueue
  ), leaf AS MATERIALIZED (
    SELECT * FROM rollup_facts()
  ), nodes AS (
    {spread("leaf")}
  ), fresh AS MATERIALIZED (
    SELECT tree, node_id, {KEYS}, {ADDED} FROM nodes GROUP BY 1, 2, 3, 4, 5, 6
  ), gone AS (
    DELETE FROM pipeline_rollupnode n WHERE NOT EXISTS (
      SELECT 1 FROM fresh f WHERE f.tree = n.tree AND f.node_id = n.node_id AND f.month_id = n.month_id
        AND f.category = n.category AND f.subcategory_id = n.subcategory_id AND f.currency = n.currency)
    RETURNING 1
  ), set_anew AS (
    INSERT INTO pipeline_rollupnode AS t (tree, node_id, {KEYS}, {SUMS})
    SELECT tree, node_id, {KEYS}, {SUMS} FROM fresh
    ON CONFLICT (tree, node_id, month_id, category, subcategory_id, currency) DO UPDATE SET
      deals = excluded.deals, unpriced = excluded.unpriced, amount = excluded.amount, weighted = excluded.weighted
      WHERE ROW(t.deals, t.unpriced, t.amount, t.weighted)
            IS DISTINCT FROM ROW(excluded.deals, excluded.unpriced, excluded.amount, excluded.weighted)
    RETURNING 1
  )
  SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM set_anew) INTO changed;
  RETURN changed;
END $$;
"""

DIFFERENCES = f"""
CREATE FUNCTION rollup_differences()
RETURNS TABLE (tree integer, node_id bigint, month_id bigint, category varchar, subcategory_id bigint, currency varchar,
               stored_deals numeric, true_deals numeric, stored_unpriced numeric, true_unpriced numeric,
               stored_amount numeric, true_amount numeric, stored_weighted numeric, true_weighted numeric)
LANGUAGE sql STABLE AS $$
  WITH leaf AS MATERIALIZED (
    SELECT * FROM rollup_facts()
  ), nodes AS (
    {spread("leaf")}
  ), truth AS (
    SELECT tree, node_id, {KEYS}, {ADDED} FROM nodes GROUP BY 1, 2, 3, 4, 5, 6
  ), queued AS (
    {spread("pipeline_rollupqueue")}
  ), stored AS (
    SELECT tree, node_id, {KEYS}, {ADDED} FROM (
      SELECT tree, node_id, {KEYS}, {SUMS} FROM pipeline_rollupnode UNION ALL SELECT * FROM queued
    ) x GROUP BY 1, 2, 3, 4, 5, 6
  )
  SELECT tree, node_id, month_id, category, subcategory_id, currency, coalesce(s.deals, 0), coalesce(t.deals, 0),
         coalesce(s.unpriced, 0), coalesce(t.unpriced, 0), coalesce(s.amount, 0), coalesce(t.amount, 0),
         coalesce(s.weighted, 0), coalesce(t.weighted, 0)
  FROM stored s FULL JOIN truth t USING (tree, node_id, {KEYS})
  WHERE coalesce(s.deals, 0) <> coalesce(t.deals, 0) OR coalesce(s.unpriced, 0) <> coalesce(t.unpriced, 0)
     OR coalesce(s.amount, 0) <> coalesce(t.amount, 0) OR coalesce(s.weighted, 0) <> coalesce(t.weighted, 0)
  ORDER BY 1, 2, 3, 4, 5, 6
$$;
"""

LOCK_TRIGGER = """
CREATE FUNCTION rollup_before_tree() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- Before any row is touched, so that two changes of a tree wait for each other instead of deadlocking.
  PERFORM pg_advisory_xact_lock_shared(7201, 2);
  PERFORM rollup_lock_nodes();
  RETURN NULL;
END $$;
"""


def tree_triggers(closure: str, below: int, own: int) -> str:
    """When pairs of a closure come and go, the folded own sums of the descendant move with them."""
    added = "SELECT ancestor_id, descendant_id, 1 AS sign FROM new_rows"
    removed = "SELECT ancestor_id, descendant_id, -1 AS sign FROM old_rows"

    def shift(pairs: str) -> str:
        return f"""INSERT INTO pipeline_rollupnode AS t (tree, node_id, {KEYS}, {SUMS})
    SELECT {below}, p.ancestor_id, {KEYS}, sum(sign * deals), sum(sign * unpriced), sum(sign * amount),
           sum(sign * weighted)
    FROM ({pairs}) p JOIN pipeline_rollupnode o ON o.tree = {own} AND o.node_id = p.descendant_id
    GROUP BY p.ancestor_id, {KEYS}
    HAVING sum(sign * deals) <> 0 OR sum(sign * unpriced) <> 0 OR sum(sign * amount) <> 0
        OR sum(sign * weighted) <> 0
    ORDER BY 2, 3, 4, 5, 6
    {UPSERT_ADD};"""

    name = f"rollup_shift_{below}"
    return f"""
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    {shift(added)}
  ELSIF TG_OP = 'DELETE' THEN
    {shift(removed)}
  ELSE
    {shift(f"{added} UNION ALL {removed}")}
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER rollup_before_tree BEFORE INSERT OR UPDATE OR DELETE ON {closure}
  FOR EACH STATEMENT EXECUTE FUNCTION rollup_before_tree();
CREATE TRIGGER rollup_pairs_added AFTER INSERT ON {closure}
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION {name}();
CREATE TRIGGER rollup_pairs_removed AFTER DELETE ON {closure}
  REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION {name}();
CREATE TRIGGER rollup_pairs_changed AFTER UPDATE ON {closure}
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION {name}();
"""


MEANING = """
CREATE FUNCTION rollup_calendar_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.calendar_id IS DISTINCT FROM NEW.calendar_id THEN
    PERFORM pg_advisory_xact_lock(7201, 2);
    PERFORM rollup_rebuild();
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER rollup_calendar_changed AFTER UPDATE ON organization_company
  FOR EACH ROW EXECUTE FUNCTION rollup_calendar_changed();

CREATE FUNCTION rollup_company_made() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT 1 FROM opportunities_opportunity) THEN
    PERFORM pg_advisory_xact_lock(7201, 2);
    PERFORM rollup_rebuild();
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER rollup_company_made AFTER INSERT OR DELETE ON organization_company
  FOR EACH STATEMENT EXECUTE FUNCTION rollup_company_made();

CREATE FUNCTION rollup_days_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  cal bigint := (SELECT calendar_id FROM organization_company WHERE id = 1);
  affected boolean;
BEGIN
  IF cal IS NULL THEN RETURN NULL; END IF;
  IF TG_OP <> 'DELETE' THEN
    SELECT EXISTS (SELECT 1 FROM new_rows n JOIN opportunities_opportunity o ON o.close_date = n.day
                   WHERE n.calendar_id = cal) INTO affected;
  END IF;
  IF TG_OP <> 'INSERT' AND NOT coalesce(affected, false) THEN
    SELECT EXISTS (SELECT 1 FROM old_rows n JOIN opportunities_opportunity o ON o.close_date = n.day
                   WHERE n.calendar_id = cal) INTO affected;
  END IF;
  IF affected THEN
    PERFORM pg_advisory_xact_lock(7201, 2);
    PERFORM rollup_rebuild();
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER rollup_days_added AFTER INSERT ON organization_fiscalday
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION rollup_days_changed();
CREATE TRIGGER rollup_days_removed AFTER DELETE ON organization_fiscalday
  REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION rollup_days_changed();
CREATE TRIGGER rollup_days_updated AFTER UPDATE ON organization_fiscalday
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION rollup_days_changed();

-- A product that changes its family takes its deals along: the difference goes through the queue like any other.
CREATE FUNCTION rollup_product_moved() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  cal bigint;
BEGIN
  IF NOT EXISTS (SELECT 1 FROM new_rows n JOIN old_rows o USING (id) WHERE n.family_id IS DISTINCT FROM o.family_id
                 AND EXISTS (SELECT 1 FROM opportunities_opportunity d WHERE d.product_id = n.id)) THEN
    RETURN NULL;
  END IF;
  PERFORM pg_advisory_xact_lock(7201, 2);
  SELECT calendar_id INTO cal FROM organization_company WHERE id = 1;
  INSERT INTO pipeline_rollupqueue (owner_id, territory_id, family_id, month_id, category, subcategory_id, currency,
                                    deals, unpriced, amount, weighted, queued_at)
  SELECT d.owner_id, d.territory_id, m.family_id, coalesce(f.month_id, 0), d.category, coalesce(d.subcategory_id, 0),
         d.currency_id, sum(m.sign), coalesce(sum(m.sign) FILTER (WHERE d.amount IS NULL), 0),
         coalesce(sum(m.sign * d.amount), 0), coalesce(sum(m.sign * d.amount * d.probability * 0.01), 0),
         clock_timestamp()
  FROM (
    SELECT o.id, o.family_id, -1 AS sign FROM old_rows o JOIN new_rows n USING (id)
    WHERE n.family_id IS DISTINCT FROM o.family_id
    UNION ALL
    SELECT n.id, n.family_id, 1 FROM old_rows o JOIN new_rows n USING (id)
    WHERE n.family_id IS DISTINCT FROM o.family_id
  ) m
  JOIN opportunities_opportunity d ON d.product_id = m.id AND NOT d.is_deleted
  LEFT JOIN organization_fiscalday f ON f.calendar_id = cal AND f.day = d.close_date
  GROUP BY 1, 2, 3, 4, 5, 6, 7;
  RETURN NULL;
END $$;
CREATE TRIGGER rollup_product_moved AFTER UPDATE ON opportunities_product
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION rollup_product_moved();
"""

# The queue lives for seconds and the nodes are updated in place: keep both small.
STORAGE = """
ALTER TABLE pipeline_rollupqueue SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
                                      autovacuum_vacuum_insert_scale_factor = 0.1);
ALTER TABLE pipeline_rollupnode SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
"""

FORWARD = "".join(
    [GUARDS, FACTS, ENQUEUE, FOLD, REBUILD, DIFFERENCES, LOCK_TRIGGER]
    + [tree_triggers(closure, below, own) for closure, below, own, _ in TREES]
    + [MEANING, STORAGE]
)

BACKWARD = (
    """
DROP TRIGGER rollup_product_moved ON opportunities_product;
DROP TRIGGER rollup_days_added ON organization_fiscalday;
DROP TRIGGER rollup_days_removed ON organization_fiscalday;
DROP TRIGGER rollup_days_updated ON organization_fiscalday;
DROP TRIGGER rollup_company_made ON organization_company;
DROP TRIGGER rollup_calendar_changed ON organization_company;
"""
    + "".join(
        f"DROP TRIGGER {trigger} ON {closure};\n"
        for closure, *_ in TREES
        for trigger in (
            "rollup_before_tree",
            "rollup_pairs_added",
            "rollup_pairs_removed",
            "rollup_pairs_changed",
        )
    )
    + """
DROP FUNCTION rollup_product_moved(), rollup_days_changed(), rollup_company_made(), rollup_calendar_changed(),
  rollup_shift_1(), rollup_shift_3(), rollup_shift_4(), rollup_before_tree(), rollup_differences(), rollup_rebuild(),
  rollup_fold(integer), rollup_facts(), rollup_lock_nodes();
"""
)


class Migration(migrations.Migration):
    """Functions and triggers of the roll-ups; existing deals are summed once at the end."""

    dependencies = [
        ("pipeline", "0003_own_trees_and_exact_weights"),
        ("opportunities", "0003_triggers"),
        ("organization", "0001_initial"),
    ]
    operations = [
        migrations.RunSQL(FORWARD, BACKWARD),
        migrations.RunSQL("SELECT rollup_rebuild();", migrations.RunSQL.noop),
    ]
