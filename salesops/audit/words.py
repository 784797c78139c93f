"""What an audit event says, in words: "granted a role to login", "changed deal"."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

_ACTS = {
    "ACTIVATE": _lazy("activated %(object)s"),
    "ANSWER": _lazy("answered a question of %(object)s"),
    "CANCEL_JOB": _lazy("cancelled %(object)s"),
    "CHANGE": _lazy("changed %(object)s"),
    "CONFIRM_ROLE": _lazy("confirmed a role of %(object)s"),
    "CONNECT_SINGLE_SIGN_ON": _lazy("connected single sign-on with %(object)s"),
    "CREATE": _lazy("created %(object)s"),
    "DEACTIVATE": _lazy("deactivated %(object)s"),
    "DEFINE": _lazy("defined %(object)s"),
    "DELETE": _lazy("deleted %(object)s"),
    "DISCARD_IMPORT": _lazy("discarded %(object)s"),
    "GRANT_ROLE": _lazy("granted a role to %(object)s"),
    "IMPORT": _lazy("ran %(object)s"),
    "LINK": _lazy("linked %(object)s to a person"),
    "REMOVE_SECOND_STEP": _lazy("removed the second step of %(object)s"),
    "MAKE_PASSWORD_LINK": _lazy("made a password link for %(object)s"),
    "MOVE": _lazy("moved %(object)s"),
    "REACTIVATE": _lazy("reactivated %(object)s"),
    "RECORD": _lazy("recorded %(object)s"),
    "REFUSE_ROLE": _lazy("refused a role to %(object)s"),
    "REMOVE": _lazy("removed %(object)s"),
    "REQUEST_ROLE": _lazy("asked for a role for %(object)s"),
    "RETRY_JOB": _lazy("started %(object)s again"),
    "REVOKE_ROLE": _lazy("took a role from %(object)s"),
    "SET": _lazy("set %(object)s"),
    "SET_UP": _lazy("set up %(object)s"),
    "SIGN_IN": _lazy("signed in"),
    "SIGN_IN_FAILED": _lazy("failed to sign in"),
    "SIGN_OUT": _lazy("signed out"),
    "SIGN_OUT_EVERYWHERE": _lazy("signed out all sessions of %(object)s"),
    "SPLIT": _lazy("changed the splits of %(object)s"),
    "REVOKE": _lazy("revoked %(object)s"),
    "UNDO": _lazy("took back a change of %(object)s"),
    "UNDO_IMPORT": _lazy("took back %(object)s"),
    "UPDATE": _lazy("changed %(object)s"),
}
_OBJECTS = {
    "account": _lazy("account"),
    "backup": _lazy("backup"),
    "calendar": _lazy("calendar"),
    "company": _lazy("company"),
    "currency": _lazy("currency"),
    "deal": _lazy("deal"),
    "exchange_rate": _lazy("exchange rate"),
    "export": _lazy("export"),
    "import": _lazy("import"),
    "job": _lazy("job"),
    "login": _lazy("login"),
    "mapping": _lazy("mapping"),
    "person": _lazy("person"),
    "process": _lazy("process"),
    "quota": _lazy("quota"),
    "session": _lazy("session"),
    "stage": _lazy("stage"),
    "subcategory": _lazy("subcategory"),
    "token": _lazy("token"),
    "territory": _lazy("territory"),
}
_FIELDS = {
    "account_id": _lazy("account"),
    "amount": _lazy("amount"),
    "calendar": _lazy("calendar"),
    "category": _lazy("category"),
    "close_date": _lazy("close date"),
    "corporate_currency": _lazy("company currency"),
    "created": _lazy("created"),
    "currency": _lazy("currency"),
    "currency_id": _lazy("currency"),
    "deal_type": _lazy("type"),
    "deals_kept": _lazy("deals left as they are, because changed since"),
    "deals_removed": _lazy("deals removed"),
    "deals_restored": _lazy("deals put back"),
    "email": _lazy("address"),
    "from_date": _lazy("from"),
    "is_active": _lazy("active"),
    "is_deleted": _lazy("deleted"),
    "kept": _lazy("left as they are"),
    "kind": _lazy("kind"),
    "lead_source": _lazy("source"),
    "left_on": _lazy("left on"),
    "lines": _lazy("product lines"),
    "list_amount": _lazy("list amount"),
    "manager": _lazy("manager"),
    "manager_id": _lazy("manager"),
    "name": _lazy("name"),
    "next_step": _lazy("next step"),
    "order": _lazy("order"),
    "owner_id": _lazy("owner"),
    "parent_id": _lazy("part of"),
    "pending": _lazy("waiting for confirmation"),
    "periods": _lazy("periods"),
    "person": _lazy("person"),
    "probability": _lazy("probability"),
    "process_id": _lazy("process"),
    "product_id": _lazy("product"),
    "rate": _lazy("rate"),
    "records": _lazy("records"),
    "records_kept": _lazy("records left as they are, because used elsewhere"),
    "rejected": _lazy("rejected"),
    "role": _lazy("role"),
    "rows": _lazy("rows"),
    "set_aside": _lazy("set aside"),
    "source": _lazy("source"),
    "splits": _lazy("splits"),
    "stage_id": _lazy("stage"),
    "start_month": _lazy("first month"),
    "started_on": _lazy("started on"),
    "state": _lazy("state"),
    "status": _lazy("status"),
    "subcategory_id": _lazy("subcategory"),
    "territory_id": _lazy("territory"),
    "time_zone": _lazy("time zone"),
    "title": _lazy("job title"),
    "unchanged": _lazy("unchanged"),
    "updated": _lazy("changed"),
    "week_start": _lazy("first day of the week"),
}


def field_words(name: str) -> str:
    """A value of an object as people call it; one not known here stands as it was written."""
    return str(_FIELDS.get(name) or name.removesuffix("_id").replace("_", " "))


def object_words(object_type: str) -> str:
    """A kind of object as people call it."""
    return str(_OBJECTS.get(object_type) or object_type.replace("_", " "))


def act_words(verb: str, object_type: str) -> str:
    """What was done to which kind of object; a verb not known here stands as it was written."""
    pattern = _ACTS.get(verb)
    if pattern is None:
        return _("%(verb)s, %(object)s") % {
            "verb": verb.replace("_", " ").lower(),
            "object": object_words(object_type),
        }
    return str(pattern) % {"object": object_words(object_type)}
