"""What an audit event says, in words: "granted a role to login", "changed deal"."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

_ACTS = {
    "ACTIVATE": lazy("activated %(object)s"),
    "ANSWER": lazy("answered a question of %(object)s"),
    "CANCEL_JOB": lazy("cancelled %(object)s"),
    "CHANGE": lazy("changed %(object)s"),
    "CONFIRM_ROLE": lazy("confirmed a role of %(object)s"),
    "CREATE": lazy("created %(object)s"),
    "DEACTIVATE": lazy("deactivated %(object)s"),
    "DEFINE": lazy("defined %(object)s"),
    "DELETE": lazy("deleted %(object)s"),
    "GRANT_ROLE": lazy("granted a role to %(object)s"),
    "IMPORT": lazy("ran %(object)s"),
    "LINK": lazy("linked %(object)s to a person"),
    "MAKE_PASSWORD_LINK": lazy("made a password link for %(object)s"),
    "MOVE": lazy("moved %(object)s"),
    "RECORD": lazy("recorded %(object)s"),
    "REFUSE_ROLE": lazy("refused a role to %(object)s"),
    "REMOVE": lazy("removed %(object)s"),
    "REQUEST_ROLE": lazy("asked for a role for %(object)s"),
    "RETRY_JOB": lazy("started %(object)s again"),
    "REVOKE_ROLE": lazy("took a role from %(object)s"),
    "SET": lazy("set %(object)s"),
    "SET_UP": lazy("set up %(object)s"),
    "SIGN_IN": lazy("signed in"),
    "SIGN_IN_FAILED": lazy("failed to sign in"),
    "SIGN_OUT": lazy("signed out"),
    "SIGN_OUT_EVERYWHERE": lazy("signed out all sessions of %(object)s"),
    "SPLIT": lazy("changed the splits of %(object)s"),
    "UNDO": lazy("took back a change of %(object)s"),
    "UNDO_IMPORT": lazy("took back %(object)s"),
    "UPDATE": lazy("changed %(object)s"),
}
_OBJECTS = {
    "account": lazy("account"),
    "backup": lazy("backup"),
    "calendar": lazy("calendar"),
    "company": lazy("company"),
    "currency": lazy("currency"),
    "deal": lazy("deal"),
    "exchange_rate": lazy("exchange rate"),
    "export": lazy("export"),
    "import": lazy("import"),
    "job": lazy("job"),
    "login": lazy("login"),
    "mapping": lazy("mapping"),
    "person": lazy("person"),
    "process": lazy("process"),
    "quota": lazy("quota"),
    "session": lazy("session"),
    "stage": lazy("stage"),
    "subcategory": lazy("subcategory"),
    "territory": lazy("territory"),
}


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
