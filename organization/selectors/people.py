"""Who reports to whom: today by the closure, at a past date by the dated lines."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Container, Mapping

from django.db import connection
from django.db.models import Case, Q, When

from organization.domain.facts import LineFacts, PersonNode, ReportingLines, day_of_lines
from organization.domain.roles import Capability
from organization.domain.scope import Scope
from organization.domain.sources import UNDONE
from organization.domain.tree import in_tree_order
from organization.models import Person, PersonClosure, ReportingLine, User
from organization.models.people import FAR_FUTURE
from organization.selectors.company import business_date, now_date

Moment = dt.datetime | dt.date | None

_SUBTREE_AT = """
WITH RECURSIVE below(id) AS (
  SELECT %s::bigint
  UNION
  SELECT l.person_id FROM below JOIN organization_reportingline l
    ON l.manager_id = below.id AND l.from_date <= %s AND l.to_date > %s
) SELECT id FROM below
"""


def line_day(organization: ReportingLines, at: Moment) -> dt.date:
    """The day whose reporting lines count at an instant (None: now)."""
    return day_of_lines(organization, business_date(at), now_date())


def sees_all_people(scope: Scope) -> bool:
    """Whether everybody's name and place is visible: to those who read all deals, and who run the organisation."""
    return scope.everything or scope.won_only_everywhere or scope.can(Capability.MANAGE_ORGANIZATION)


def managers_on(day: dt.date) -> dict[int, int]:
    """Each person's manager on a business date."""
    return managers_over([day])[day]


def managers_over(days: Collection[dt.date]) -> dict[dt.date, dict[int, int]]:
    """Each person's manager on each of these business dates, in one query. Not to be changed: dates may share one."""
    first, last = min(days), max(days)
    lines = ReportingLine.objects.filter(from_date__lte=last, to_date__gt=first)
    always: dict[int, int] = {}
    moves: list[tuple[int, int, dt.date, dt.date]] = []
    for line in lines.values_list("person_id", "manager_id", "from_date", "to_date"):
        if line[2] <= first and line[3] > last:
            always[line[0]] = line[1]
        else:
            moves.append(line)
    if not moves:
        return dict.fromkeys(days, always)
    return {
        day: always | {person: manager for person, manager, begins, ends in moves if begins <= day < ends}
        for day in set(days)
    }


def people_tree(scope: Scope, at: Moment = None, organization: ReportingLines = "THEN") -> list[PersonNode]:
    """Everybody the viewer may see, in tree order, each under the manager of that time (or today's).

    Visibility follows today's hierarchy whatever the date: somebody whose manager is not visible stands under the
    nearest one above who is, as their deals count there, and as a root where there is none.
    Leavers are included, because their deals still count, after their siblings; `is_active` tells them apart.
    Who had not started on a past date is not active either: shown only where figures or reports ask for it.
    """
    rows = Person.objects.exclude(source__startswith=UNDONE)
    if not sees_all_people(scope):
        rows = rows.filter(id__in=scope.person_ids)
    day = line_day(organization, at)
    there = Q(is_active=True)
    if day < now_date():
        there &= Q(started_on__isnull=True) | Q(started_on__lte=day)
    rows = rows.annotate(is_there=Case(When(there, then=True), default=False))
    fields = ("id", "name", "title", "is_there", "email", "territory_id")
    people = {row[0]: row for row in rows.values_list(*fields)}
    managers = managers_on(day)
    parents = {person_id: _nearest(person_id, managers, people) for person_id in people}
    return [
        PersonNode(node, people[node][1], people[node][2], parent, depth, is_leaf, *people[node][3:])
        for node, parent, depth, is_leaf in in_tree_order(
            parents, sort_key=lambda i: (not people[i][3], people[i][1].casefold(), i)
        )
    ]


def _nearest(person_id: int, managers: Mapping[int, int], visible: Container[int]) -> int | None:
    """The next above on the way up who is visible. The database refuses cycles; one would end the walk."""
    passed = {person_id}
    above = managers.get(person_id)
    while above is not None and above not in visible and above not in passed:
        passed.add(above)
        above = managers.get(above)
    return above if above in visible else None


def subtree_ids(person_id: int, at: Moment = None, organization: ReportingLines = "THEN") -> list[int]:
    """The person and everybody below, at that time (or today)."""
    day = line_day(organization, at)
    if day == now_date():
        rows = PersonClosure.objects.filter(ancestor_id=person_id)
        return list(rows.order_by("depth", "descendant_id").values_list("descendant_id", flat=True))
    with connection.cursor() as cursor:
        cursor.execute(_SUBTREE_AT, [person_id, day, day])
        return [row[0] for row in cursor.fetchall()]


def direct_reports(person_id: int, at: Moment = None, organization: ReportingLines = "THEN") -> list[int]:
    """Those whose manager this person is at that time (or today), by name."""
    day = line_day(organization, at)
    lines = ReportingLine.objects.filter(manager_id=person_id, from_date__lte=day, to_date__gt=day)
    return list(lines.order_by("person__name", "person_id").values_list("person_id", flat=True))


def manager_of(person_id: int, at: Moment = None) -> int | None:
    """The person's manager at that time, or None."""
    day = business_date(at)
    lines = ReportingLine.objects.filter(person_id=person_id, from_date__lte=day, to_date__gt=day)
    return lines.values_list("manager_id", flat=True).first()


def reporting_lines(scope: Scope, person_id: int) -> list[LineFacts]:
    """The person's managers and reports through time, newest first; empty for somebody the viewer does not see."""
    if not (sees_all_people(scope) or scope.sees_person(person_id)):
        return []
    lines = ReportingLine.objects.filter(Q(person_id=person_id) | Q(manager_id=person_id))
    fields = ("id", "person_id", "person__name", "manager_id", "manager__name", "from_date", "to_date")
    return [
        LineFacts(line, person, person_name, manager, name, since, None if until == FAR_FUTURE else until)
        for line, person, person_name, manager, name, since, until in lines.order_by(
            "-from_date", "person__name"
        ).values_list(*fields)
    ]


def person_names(person_ids: list[int]) -> dict[int, str]:
    """Names by id, for rows already known to be visible."""
    return dict(Person.objects.filter(id__in=person_ids).values_list("id", "name"))


def user_names(user_ids: list[int]) -> dict[int, str]:
    """Names of logins by id, for "changed by"."""
    return {user.pk: str(user) for user in User.objects.filter(pk__in=user_ids).only("id", "name", "email")}


def people_by_email_or_name(scope: Scope) -> tuple[dict[str, int], dict[str, list[int]]]:
    """Visible active people: by address, and by name (a name may be shared), both case-folded; for matching files."""
    by_email: dict[str, int] = {}
    by_name: dict[str, list[int]] = {}
    for node in people_tree(scope):
        if node.email:
            by_email.setdefault(node.email.casefold(), node.id)
        by_name.setdefault(node.name.casefold(), []).append(node.id)
    return by_email, by_name


def people_matching(scope: Scope, text: str, limit: int = 10) -> list[tuple[int, str, str]]:
    """`(id, name, title)` of visible active people whose name contains the text, by name."""
    rows = Person.objects.filter(is_active=True, name__icontains=text)
    if not sees_all_people(scope):
        rows = rows.filter(id__in=scope.person_ids)
    return list(rows.order_by("name", "id").values_list("id", "name", "title")[:limit])
