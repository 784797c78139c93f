"""The database keeps the tree a tree: no cycles at any date, and everybody is in the closure from the first moment."""

from django.db import migrations

FORWARD = """
-- A cycle is refused at whatever date it would exist: walk up from the new manager, narrowing the interval.
CREATE FUNCTION reporting_line_refuse_cycle() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(1936486511, 1);
  IF EXISTS (
    WITH RECURSIVE up(person, since, until) AS (
      SELECT NEW.manager_id, NEW.from_date, NEW.to_date
      UNION
      SELECT l.manager_id, greatest(up.since, l.from_date), least(up.until, l.to_date)
      FROM up JOIN organization_reportingline l
        ON l.person_id = up.person AND l.from_date < up.until AND l.to_date > up.since
    )
    SELECT 1 FROM up WHERE person = NEW.person_id
  ) THEN
    RAISE EXCEPTION 'Person % would report, through others, to themselves.', NEW.person_id
      USING ERRCODE = 'check_violation', CONSTRAINT = 'reporting_line_no_cycle';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER reporting_line_no_cycle AFTER INSERT OR UPDATE ON organization_reportingline
  DEFERRABLE INITIALLY IMMEDIATE FOR EACH ROW EXECUTE FUNCTION reporting_line_refuse_cycle();

CREATE FUNCTION territory_refuse_cycle() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(1936486511, 2);
  IF EXISTS (
    WITH RECURSIVE up(id) AS (
      SELECT NEW.parent_id
      UNION
      SELECT t.parent_id FROM up JOIN organization_territory t ON t.id = up.id WHERE t.parent_id IS NOT NULL
    )
    SELECT 1 FROM up WHERE id = NEW.id
  ) THEN
    RAISE EXCEPTION 'Territory % would lie, through others, within itself.', NEW.id
      USING ERRCODE = 'check_violation', CONSTRAINT = 'territory_no_cycle';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER territory_no_cycle AFTER INSERT OR UPDATE OF parent_id ON organization_territory
  DEFERRABLE INITIALLY IMMEDIATE FOR EACH ROW EXECUTE FUNCTION territory_refuse_cycle();

CREATE FUNCTION person_into_closure() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO organization_personclosure (ancestor_id, descendant_id, depth) SELECT id, id, 0 FROM new_rows;
  RETURN NULL;
END $$;
CREATE TRIGGER person_into_closure AFTER INSERT ON organization_person
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION person_into_closure();

CREATE FUNCTION territory_into_closure() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO organization_territoryclosure (ancestor_id, descendant_id, depth) SELECT id, id, 0 FROM new_rows;
  RETURN NULL;
END $$;
CREATE TRIGGER territory_into_closure AFTER INSERT ON organization_territory
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION territory_into_closure();

INSERT INTO organization_personclosure (ancestor_id, descendant_id, depth)
  SELECT id, id, 0 FROM organization_person ON CONFLICT DO NOTHING;
INSERT INTO organization_territoryclosure (ancestor_id, descendant_id, depth)
  SELECT id, id, 0 FROM organization_territory ON CONFLICT DO NOTHING;
"""

BACKWARD = """
DROP TRIGGER territory_into_closure ON organization_territory;
DROP TRIGGER person_into_closure ON organization_person;
DROP TRIGGER territory_no_cycle ON organization_territory;
DROP TRIGGER reporting_line_no_cycle ON organization_reportingline;
DROP FUNCTION territory_into_closure();
DROP FUNCTION person_into_closure();
DROP FUNCTION territory_refuse_cycle();
DROP FUNCTION reporting_line_refuse_cycle();
"""


class Migration(migrations.Migration):
    """Cycle refusal and self pairs."""

    dependencies = [("organization", "0002_grants_and_sessions")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
