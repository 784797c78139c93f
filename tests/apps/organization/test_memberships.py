"""Who works in which territory: refused twice at a time by the database, shown on the pages of person and territory."""

import datetime as dt

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse

from organization import selectors
from organization.domain.roles import Role
from organization.models import Person, Territory, TerritoryMembership, User
from organization.models.people import FAR_FUTURE
from tests.factories.opportunities import make_deal
from tests.factories.organization import TEST, make_company, make_person, make_rep, make_territory, make_user

pytestmark = pytest.mark.django_db
D = dt.date


@pytest.fixture(autouse=True)
def company() -> None:
    make_company()


def member(
    person: Person, territory: Territory, since: dt.date, until: dt.date = FAR_FUTURE
) -> TerritoryMembership:
    return TerritoryMembership.objects.create(
        person=person, territory=territory, from_date=since, to_date=until
    )


def committed(person: Person, territory: Territory, since: dt.date, until: dt.date) -> None:
    with transaction.atomic():
        member(person, territory, since, until)
        connection.check_constraints()


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def test_many_to_many_but_the_same_pair_once_at_a_time() -> None:
    ann, bo = make_person("Ann"), make_person("Bo")
    north, south = make_territory("North"), make_territory("South")
    first = member(ann, north, D(2024, 1, 1), D(2025, 1, 1))
    member(ann, south, D(2024, 1, 1))
    member(bo, north, D(2024, 1, 1))
    member(ann, north, D(2025, 1, 1))
    connection.check_constraints()
    with pytest.raises(IntegrityError, match="membership_once_at_a_time"):
        committed(ann, north, D(2024, 12, 31), D(2025, 1, 2))
    with pytest.raises(IntegrityError, match="membership_not_empty"):
        committed(bo, south, D(2024, 1, 1), D(2024, 1, 1))
    with transaction.atomic():
        first.to_date = D(2025, 2, 1)
        first.save()
        TerritoryMembership.objects.filter(person=ann, from_date=D(2025, 1, 1)).update(
            from_date=D(2025, 2, 1)
        )
        connection.check_constraints()


def test_the_pages_say_who_works_where_since_when() -> None:
    ann, north, south = make_person("Ann"), make_territory("North"), make_territory("South")
    member(ann, north, D(1900, 1, 1), D(2025, 1, 1))
    member(ann, south, D(2025, 1, 1))
    client = client_of(make_user(Role.OPS))
    page = client.get(reverse("organization:person", args=[ann.pk])).content.decode()
    assert page.index("South") < page.index("North")
    for shown in ("since ever", "31 Dec 2024", "1 Jan 2025", "until further notice"):
        assert shown in page
    tree = client.get(reverse("organization:setup_territories")).content.decode()
    assert tree.count("Ann") == 1, "who works there today"
    for territory in (north, south):
        assert (
            "Ann" in client.get(reverse("organization:setup_territory", args=[territory.pk])).content.decode()
        )
    empty = client.get(reverse("organization:setup_territory", args=[make_territory("West").pk]))
    assert "People here" not in empty.content.decode()


def test_only_of_people_one_sees() -> None:
    ann, _, scope = make_rep("Ann")
    bo, north = make_person("Bo"), make_territory("North")
    member(ann, north, D(2024, 1, 1))
    member(bo, north, D(2024, 1, 1), D(2025, 1, 1))
    assert [stay.person_name for stay in selectors.people_of_territory(scope, north.pk)] == ["Ann"]
    assert selectors.territories_of(scope, bo.pk) == []
    assert [stay.last_date for stay in selectors.territories_of(TEST, bo.pk)] == [D(2024, 12, 31)]
    assert {stay.person_name for stay in selectors.people_of_territory(TEST)} == {"Ann", "Bo"}
    assert [stay.person_name for stay in selectors.people_of_territory(TEST, on=D(2025, 1, 1))] == ["Ann"]


def test_members_cost_no_query_each(django_assert_max_num_queries) -> None:  # type: ignore[no-untyped-def]
    client, url = client_of(make_user(Role.OPS)), reverse("organization:setup_territories")
    member(make_person(), make_territory(), D(2024, 1, 1))
    with django_assert_max_num_queries(12) as few:
        client.get(url)
    for _ in range(5):
        member(make_person(), make_territory(), D(2024, 1, 1))
    with django_assert_max_num_queries(len(few)):
        client.get(url)


def test_a_territory_counts_the_deals_of_those_below_it() -> None:
    region = make_territory("Region")
    country = make_territory("Country", region)
    patch = make_territory("Patch", country)
    owner = make_person()
    for territory in (country, patch, patch):
        make_deal(owner, territory=territory)
    rows = client_of(make_user(Role.OPS)).get(reverse("organization:setup_territories")).context["rows"]
    assert {node.name: uses["deals"] for node, _names, uses, _kind in rows} == {
        "Region": 3, "Country": 3, "Patch": 2,
    }  # fmt: skip
