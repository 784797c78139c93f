"""The database refuses to change or remove what the audit trail says."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION audit_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'The audit trail is insert-only: % refused.', TG_OP USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER audit_event_insert_only BEFORE UPDATE OR DELETE ON audit_auditevent
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER audit_seal_insert_only BEFORE UPDATE OR DELETE ON audit_auditseal
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
"""

BACKWARD = """
DROP TRIGGER audit_seal_insert_only ON audit_auditseal;
DROP TRIGGER audit_event_insert_only ON audit_auditevent;
DROP FUNCTION audit_refuse_change();
"""


class Migration(migrations.Migration):
    """Triggers that refuse UPDATE and DELETE."""

    dependencies = [("audit", "0001_events")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
