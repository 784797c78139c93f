"""Who may do what to whose: the rules in words, the routes they rule, and a company in which every relation occurs.

The rules are written down here and not worked out from the product: that is what they are held against.
"""

from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import dataclass
from decimal import Decimal

from django.utils import timezone

from opportunities.models import ChangeSet, ImportBatch, Opportunity, SalesProcess
from organization.domain.roles import Role
from organization.models import ApiToken, Currency, Person, RoleGrant, User
from organization.services import define_calendar, set_manager
from salesops.jobs.models import Job
from territories.models import Quota
from tests.factories.opportunities import make_account, make_process, make_subcategory, stage_of
from tests.factories.organization import (
    TEST,
    make_company,
    make_person,
    make_territory,
    make_user,
    period,
)
from tests.factories.pipeline import START, change, deal

RULES = """
who                              | may do what          | to whose
REP                              | read a deal          | own
MANAGER                          | read a deal          | own, below
OPS EXECUTIVE AUDITOR            | read a deal          | anybody's
FINANCE                          | read a deal          | won
REP                              | change a deal        | own
MANAGER                          | change a deal        | own, below
REP MANAGER OPS                  | take back an act     | own
EXECUTIVE AUDITOR FINANCE        | take back an act     | own
REP                              | read an account      | own
MANAGER                          | read an account      | own, below
OPS EXECUTIVE AUDITOR            | read an account      | anybody's
FINANCE                          | read an account      | won
MANAGER                          | read a person        | own, below
OPS ADMIN EXECUTIVE AUDITOR      | read a person        | anybody's
OPS ADMIN                        | change a person      | anybody's
ADMIN                            | read a login         | anybody's
ADMIN                            | sign out a login     | anybody's
ADMIN                            | change a login       | others'
ADMIN                            | make a password link | others'
ADMIN                            | read a role          | anybody's
ADMIN                            | confirm a role       | others'
REP                              | read a quota         | own
MANAGER                          | read a quota         | own, below
OPS EXECUTIVE AUDITOR FINANCE    | read a quota         | anybody's
OPS                              | take back quotas     | anybody's
OPS ADMIN AUDITOR                | read an import       | anybody's
ADMIN                            | run an import        | anybody's
ADMIN                            | mend a job           | anybody's
OPS ADMIN                        | set up the company   | anybody's
REP MANAGER OPS ADMIN            | revoke a token       | own
EXECUTIVE FINANCE AUDITOR        | revoke a token       | own
"""
"""Everything else is refused."""

ROUTES = """
deals/{deal}                              | GET read a deal
deals/{deal}/                             | GET read a deal
api/v1/deals/{deal}                       | GET read a deal, PATCH change a deal
deals/{deal}/edit                         | POST change a deal
deals/{deal}/remove                       | POST change a deal
deals/{deal}/splits                       | GET change a deal, POST change a deal
deals/undo/{act}                          | POST take back an act
accounts/{account}/deals                  | GET read an account
people/{person}                           | GET read a person
people/{person}/edit                      | GET change a person, POST change a person
people/{person}/move                      | GET change a person, POST change a person
users/{login}                             | GET read a login
users/{login}/edit                        | GET read a login, POST change a login
users/{login}/person                      | GET read a login, POST change a login
users/{login}/role                        | POST change a login
users/{login}/active                      | GET read a login, POST change a login
users/{login}/second-step                 | GET read a login, POST change a login
users/{login}/sign-out                    | POST sign out a login
users/{login}/password-link               | POST make a password link
users/grants/{grant}/confirm              | POST confirm a role
account/tokens/{token}/revoke             | POST revoke a token
quotas/cell/{person}/{period}             | GET read a quota
quotas/undo/{save}                        | POST take back quotas
imports/{import}                          | GET read an import
imports/{import}/problems.csv             | GET read an import
imports/{import}/match                    | GET run an import, POST run an import
imports/{import}/repair                   | GET run an import, POST run an import
imports/{import}/confirm                  | GET run an import, POST run an import
imports/{import}/progress                 | GET run an import
imports/{import}/status                   | GET run an import
imports/{import}/take-back                | POST run an import
imports/{import}/cancel                   | POST run an import
imports/{import}/undo                     | POST run an import
imports/{import}/discard                  | POST run an import
system/jobs/{job}/retry                   | POST mend a job
system/jobs/{job}/cancel                  | POST mend a job
setup/calendars/{calendar}                | GET set up the company
setup/calendars/{calendar}/activate       | POST set up the company
setup/calendars/{calendar}/delete         | POST set up the company
setup/currencies/{currency}/delete        | POST set up the company
setup/territories/{territory}             | GET set up the company, POST set up the company
setup/territories/{territory}/delete      | POST set up the company
setup/processes/{process}                 | GET set up the company, POST set up the company
setup/process/{process}/delete            | POST set up the company
setup/processes/{process}/stages/new      | GET set up the company, POST set up the company
setup/processes/{process}/stages/{stage}  | GET set up the company, POST set up the company
setup/stage/{stage}/delete                | POST set up the company
setup/stages/{stage}/move                 | POST set up the company
setup/subcategories/{subcategory}         | GET set up the company, POST set up the company
setup/subcategory/{subcategory}/delete    | POST set up the company
setup/subcategories/{subcategory}/move    | POST set up the company
"""
"""Every route that takes an object, and what each of its methods does. A method it does not name does nothing."""

FORMS = {
    "deals/{deal}/edit": {"field": "amount", "value": "5", "version": "999"},
    "deals/{deal}/remove": {"version": "999"},
    "deals/{deal}/splits": {"seen": "not what is there"},
    "users/{login}/edit": {"name": "Somebody", "email": "somebody@example.com"},
    "users/{login}/role": {"role": "REP"},
    "users/{login}/person": {"person_id": ""},
}
"""What is sent with a POST, where an empty form says too little."""

WITH_A_WORD = {
    "set up the company": 302,
    "revoke a token": 302,
    "confirm a role": 302,
    "take back quotas": 409,
}
"""Buttons: without such an object they lead back to their page, which says so, or say so themselves."""

WHOSE = ("own", "report", "grand-report", "peer", "manager", "other branch", "former report")
MISSING = "nonexistent"
RELATIONS = {
    "own": WHOSE[:1],
    "own, below": WHOSE[:3],
    "others'": WHOSE[1:],
    "anybody's": (*WHOSE, "nobody"),
    "won": (),
}
"""What the words of the third column mean."""


@dataclass(frozen=True)
class Ruled:
    """A route, what its methods do, and what is sent."""

    path: str
    acts: dict[str, str]

    @property
    def form(self) -> dict[str, str]:
        """What is sent with a POST."""
        return FORMS.get(self.path, {})


def _cells(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("|")] for line in table.strip().splitlines()]


ALLOWED = {(Role(role), act): whose for roles, act, whose in _cells(RULES)[1:] for role in roles.split()}
"""By role and act, whose."""
RULED = [
    Ruled(path, dict(word.strip().split(" ", 1) for word in acts.split(",")))  # type: ignore[arg-type]
    for path, acts in _cells(ROUTES)
]


def may(role: Role | None, act: str, relation: str) -> bool:
    """Whether the rules let this role do this to what stands in this relation; "own, won" is a won deal of one's own."""
    whose = ALLOWED.get((role, act)) if role else None
    if whose is None or relation == MISSING:
        return False
    owner, _, won = relation.partition(", ")
    return owner in RELATIONS[whose] or (whose == "won" and bool(won))


Things = dict[str, object]
"""An object of each sort, by its name in an address."""


@dataclass
class World:
    """The login of the person in the middle, and for each relation the objects that stand in it to them."""

    viewer: User
    things: dict[str, Things]

    def take_role(self, role: Role | None) -> User:
        """Gives the viewer this role and no other."""
        RoleGrant.objects.filter(user=self.viewer, is_pending=False).delete()
        if role is Role.FINANCE:  # which waits for the viewer already
            RoleGrant.objects.filter(user=self.viewer).update(role=Role.ADMIN)
        if role is not None:
            RoleGrant.objects.create(user=self.viewer, role=role, granted_at=timezone.now())
        return self.viewer


def make_world() -> World:
    """A company of three levels and two branches, in which everybody has everything there is."""
    make_company(first_year=2026, last_year=2027)
    boss = make_person("Boss")
    manager, cousin = make_person("Manager", manager=boss), make_person("Cousin", manager=boss)
    viewer, peer = make_person("Viewer", manager=manager), make_person("Peer", manager=manager)
    report, former = make_person("Report", manager=viewer), make_person("Former", manager=viewer)
    set_manager(person_id=former.pk, manager_id=cousin.pk, from_date=dt.date(2026, 1, 1), scope=TEST)
    grand = make_person("Grand", manager=report)
    asker = make_user(Role.ADMIN, name="Asker")
    another = define_calendar(kind="MONTHS", start_month=1, name="Another", first_year=2026, last_year=2026)
    things: dict[str, Things] = {}
    people = (viewer, report, grand, peer, manager, cousin, former)
    for number, (relation, person) in enumerate(zip(WHOSE, people, strict=True), 1):
        shared = _worked_with(number, person, another)
        shared |= _login_things(make_user(Role.REP, person=person), asker)
        things |= _deals(relation, person, shared)
    things |= _deals("nobody", None, things["peer"])
    nothing = {"currency": "XXX", "save": "2020-01-01T00:00:00+00:00"}
    things[MISSING] = dict.fromkeys(things["peer"], 999_999_999) | nothing
    return World(User.objects.get(person=viewer), things)


def _worked_with(number: int, person: Person, another_calendar: int) -> Things:
    """What a person works with."""
    process = make_process(f"Process of {person.name}")
    subcategory = make_subcategory(code=f"of-{number}")
    territory = make_territory(f"Patch of {person.name}")
    Person.objects.filter(pk=person.pk).update(territory=territory)
    currency, _ = Currency.objects.get_or_create(code=f"XA{number}", defaults={"name": person.name})
    quarter = period("FY27-Q1")
    saved = START + dt.timedelta(minutes=number)
    Quota.objects.create(
        person=person, period=quarter, amount=Decimal(10), currency_id="USD", recorded_at=saved
    )
    return {
        "person": person.pk, "process": process.pk, "stage": stage_of(process, "Qualify").pk,
        "subcategory": subcategory.pk, "territory": territory.pk, "currency": currency.code, "period": quarter.pk,
        "save": saved.isoformat(), "calendar": quarter.calendar_id if number == 1 else another_calendar,
    }  # fmt: skip


def _login_things(login: User, asker: User) -> Things:
    """What a login has, and what it asked for."""
    now = timezone.now()
    token = ApiToken.objects.create(
        user=login, name="export", digest=f"{login.pk:064}", scopes=["read:deals"], created_at=now,
        expires_at=now + dt.timedelta(days=9),
    )  # fmt: skip
    grant = RoleGrant.objects.create(
        user=login, role=Role.FINANCE, granted_at=now, granted_by=asker, is_pending=True
    )
    batch = ImportBatch.objects.create(
        state="DONE", source=f"crm-{login.pk}", created_at=now, applied_at=now, actor_id=login.pk
    )
    job = Job.objects.create(
        kind="organization.check_closures", state="DEAD", created_by=login, created_at=now, not_before=now,
        finished_at=now,
    )  # fmt: skip
    act = ChangeSet.objects.create(kind="EDIT", at=now, actor_id=login.pk, actor_name=str(login))
    return {
        "login": login.pk, "token": token.pk, "grant": grant.pk, "import": batch.pk, "job": job.pk, "act": act.pk,
    }  # fmt: skip


def _deals(relation: str, owner: Person | None, shared: Things) -> dict[str, Things]:
    """A deal and its account, open and won."""
    found = {}
    for won in (False, True):
        account = make_account()
        made = deal(
            owner=owner, account=account, close_date=dt.date(2026, 3, 1), category="PIPELINE",
            process=SalesProcess.objects.get(pk=shared["process"]), stage_id=shared["stage"],
        )  # fmt: skip
        if won:
            change(made.pk, made.changed_at + dt.timedelta(days=1), status="WON", category="WON")
        key = f"{relation}, won" if won else relation
        found[key] = dict(shared) | {"deal": made.pk, "account": account.pk}
    return found


def relations_of(route: Ruled) -> tuple[str, ...]:
    """The relations that make a difference for a route: of deals and accounts also who has none, and whether won."""
    if "{deal}" in route.path or "{account}" in route.path:
        owners = (*WHOSE, "nobody")
        return (*itertools.chain.from_iterable((o, f"{o}, won") for o in owners), MISSING)
    return (*WHOSE, MISSING)


def rows_of_deals() -> list[dict[str, object]]:
    """Every deal as it stands."""
    return list(Opportunity.objects.order_by("pk").values())
