"""Splits become history: dated, append-only, each share begun and ended by an act."""

import datetime

import django.contrib.postgres.constraints
import django.db.models.deletion
from django.db import migrations, models
from django.db.models import F, Func, Value

FAR = "'9999-12-31 00:00:00+00'::timestamptz"

# What was there before is known only from the audit trail: since the last recorded change, else since the deal began.
ADOPT = """
WITH act AS (
  INSERT INTO opportunities_changeset (kind, at, actor_name, note)
  SELECT 'SYSTEM', now(), '', 'Splits recorded before they were dated'
  WHERE EXISTS (SELECT 1 FROM opportunities_opportunitysplit) RETURNING id
), known AS (
  SELECT o.id, coalesce(max(e.at), o.created_at) AS since
  FROM opportunities_opportunity o
  LEFT JOIN audit_auditevent e ON e.object_type = 'deal' AND e.object_id = o.id::text AND e.verb = 'SPLIT'
  WHERE o.id IN (SELECT opportunity_id FROM opportunities_opportunitysplit) GROUP BY o.id
)
UPDATE opportunities_opportunitysplit s SET valid_from = k.since, recorded_at = now(), change_set_id = act.id
FROM act, known k WHERE k.id = s.opportunity_id;
SET CONSTRAINTS ALL IMMEDIATE;
"""

GUARD = f"""
CREATE FUNCTION split_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    RAISE EXCEPTION 'History is append-only: split % of deal % cannot be deleted.', OLD.id, OLD.opportunity_id
      USING ERRCODE = 'restrict_violation';
  END IF;
  IF ROW(NEW.id, NEW.opportunity_id, NEW.person_id, NEW.kind, NEW.share, NEW.valid_from, NEW.recorded_at,
         NEW.change_set_id)
     IS DISTINCT FROM
     ROW(OLD.id, OLD.opportunity_id, OLD.person_id, OLD.kind, OLD.share, OLD.valid_from, OLD.recorded_at,
         OLD.change_set_id)
     OR OLD.valid_to <> {FAR} OR NEW.valid_to = {FAR} OR NEW.ended_by_id IS NULL THEN
    RAISE EXCEPTION 'History is append-only: split % of deal % can only be ended.', OLD.id, OLD.opportunity_id
      USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER split_guard BEFORE UPDATE OR DELETE ON opportunities_opportunitysplit
  FOR EACH ROW EXECUTE FUNCTION split_guard();
"""

UNGUARD = """
DROP TRIGGER split_guard ON opportunities_opportunitysplit;
DROP FUNCTION split_guard();
DELETE FROM opportunities_opportunitysplit WHERE valid_to < '9999-12-31 00:00:00+00';
SET CONSTRAINTS ALL IMMEDIATE;
"""


def _act(*, null: bool) -> models.ForeignKey:
    return models.ForeignKey(
        blank=null,
        null=null,
        on_delete=django.db.models.deletion.PROTECT,
        related_name="+",
        to="opportunities.changeset",
    )


def _point(expression: F | Func) -> Func:
    return Func(expression, expression, Value("[]"), function="int8range")


class Migration(migrations.Migration):
    """Columns, what was there before, constraints, guard."""

    dependencies = [
        ("opportunities", "0006_version_index_covers_probability"),
        ("audit", "0001_events"),
    ]
    operations = [
        migrations.RemoveConstraint("opportunitysplit", "split_person_once"),
        migrations.AddField("opportunitysplit", "valid_from", models.DateTimeField(null=True)),
        migrations.AddField("opportunitysplit", "recorded_at", models.DateTimeField(null=True)),
        migrations.AddField("opportunitysplit", "change_set", _act(null=True)),
        migrations.AddField("opportunitysplit", "ended_by", _act(null=True)),
        migrations.AddField(
            "opportunitysplit",
            "valid_to",
            models.DateTimeField(default=datetime.datetime(9999, 12, 31, tzinfo=datetime.UTC)),
        ),
        migrations.RunSQL(ADOPT, migrations.RunSQL.noop),
        migrations.AlterField("opportunitysplit", "valid_from", models.DateTimeField()),
        migrations.AlterField("opportunitysplit", "recorded_at", models.DateTimeField()),
        migrations.AlterField("opportunitysplit", "change_set", _act(null=False)),
        migrations.AddConstraint(
            "opportunitysplit",
            django.contrib.postgres.constraints.ExclusionConstraint(
                name="split_person_once_at_a_time",
                expressions=[
                    (_point(F("opportunity_id")), "&&"),
                    (_point(F("person_id")), "&&"),
                    (_point(Func(F("kind"), function="ascii")), "&&"),
                    (Func(F("valid_from"), F("valid_to"), function="tstzrange"), "&&"),
                ],
            ),
        ),
        migrations.AddConstraint(
            "opportunitysplit",
            models.CheckConstraint(condition=models.Q(valid_from__lte=F("valid_to")), name="split_interval"),
        ),
        migrations.RunSQL(GUARD, UNGUARD),
    ]
