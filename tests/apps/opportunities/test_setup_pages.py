"""Processes, stages and subcategories: set up in the browser, audited, without touching deals."""

import pytest
from django.test import Client
from django.urls import reverse

from opportunities.models import SalesProcess, Stage, Subcategory
from organization.domain.roles import Role
from salesops.audit.models import AuditEvent
from tests.factories.forms import save_form
from tests.factories.opportunities import make_deal, make_process, move_deal, stage_of
from tests.factories.organization import make_company, make_person, make_user

pytestmark = pytest.mark.django_db
STAGE = {
    "name": "Propose",
    "status": "OPEN",
    "category": "UPSIDE",
    "probability": "40",
    "guidance": "",
    "is_active": "on",
}


def _client(*roles: Role) -> Client:
    client = Client()
    client.force_login(make_user(*roles), backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


@pytest.fixture
def ops() -> Client:
    make_company()
    return _client(Role.OPS)


def test_a_process_with_stages_in_order(ops) -> None:
    ops.post(reverse("opportunities:setup_process_new"), {"name": "Renewal", "is_active": "on"})
    process = SalesProcess.objects.get(name="Renewal")
    new = reverse("opportunities:setup_stage_new", args=[process.pk])
    for name in ("Qualify", "Propose"):
        assert ops.post(new, {**STAGE, "name": name}).status_code == 302
    assert (
        ops.post(new, {**STAGE, "name": "Signed", "status": "WON", "category": "PIPELINE"}).status_code == 302
    )
    signed = Stage.objects.get(name="Signed")
    assert (signed.category, signed.probability, signed.position) == ("WON", 100, 3)
    ops.post(
        reverse("opportunities:setup_stage_move", args=[Stage.objects.get(name="Propose").pk]), {"step": "-1"}
    )
    assert list(process.stages.order_by("position").values_list("name", flat=True)) == [
        "Propose",
        "Qualify",
        "Signed",
    ]
    event = AuditEvent.objects.filter(object_type="process").last()
    assert event.before == {"order": ["Qualify", "Propose", "Signed"]}
    page = ops.get(reverse("opportunities:setup_processes")).content.decode()
    assert page.index("Propose") < page.index("Qualify")


def test_what_is_refused(ops) -> None:
    ops.post(reverse("opportunities:setup_process_new"), {"name": "Renewal", "is_active": "on"})
    process = SalesProcess.objects.get()
    assert ops.post(reverse("opportunities:setup_process_new"), {"name": "Renewal"}).status_code == 422
    new = reverse("opportunities:setup_stage_new", args=[process.pk])
    ops.post(new, STAGE)
    assert ops.post(new, STAGE).status_code == 422
    assert ops.post(new, {**STAGE, "name": "X", "category": "WON"}).status_code == 422
    assert ops.post(new, {**STAGE, "name": "X", "probability": "101"}).status_code == 422
    assert ops.get(reverse("opportunities:setup_stage_new", args=[9999])).status_code == 404
    assert _client(Role.MANAGER).get(reverse("opportunities:setup_processes")).status_code == 403


def test_two_processes_in_use_have_different_names(ops) -> None:
    imported = SalesProcess.objects.create(name="New business", source="crm")
    new, name = reverse("opportunities:setup_process_new"), {"name": "new BUSINESS ", "is_active": "on"}
    refused = ops.post(new, name)
    assert refused.status_code == 422
    assert refused.context["form"].errors["name"] == ["There is a process named new BUSINESS already."]
    other = SalesProcess.objects.create(name="Renewal")
    assert save_form(ops, reverse("opportunities:setup_process", args=[other.pk]), name).status_code == 422
    own = reverse("opportunities:setup_process", args=[imported.pk])
    assert save_form(ops, own, {**name, "name": "New Business"}).status_code == 302, "its own name is free"
    twin = SalesProcess.objects.create(name="New Business", source="other")
    assert (
        save_form(
            ops, reverse("opportunities:setup_process", args=[twin.pk]), {"name": "New Business"}
        ).status_code
        == 302
    )
    assert save_form(ops, reverse("opportunities:setup_process", args=[twin.pk]), name).status_code == 422, (
        "not in use again"
    )
    assert save_form(ops, own, {"name": "New Business"}).status_code == 302
    assert ops.post(new, name).status_code == 302, "the name of what is no longer in use is free"


def test_what_a_stage_means_stays_while_deals_stand_in_it(ops) -> None:
    process = make_process()
    talk, won = stage_of(process, "Negotiate"), stage_of(process, "Won")
    deals = [make_deal(owner=make_person(), process=process, stage=talk, category="COMMIT") for _ in range(2)]
    page = reverse("opportunities:setup_stage", args=[process.pk, talk.pk])
    form = {**STAGE, "name": "Negotiate", "category": "COMMIT", "probability": "80"}
    refused = save_form(ops, page, {**form, "status": "WON"})
    assert refused.status_code == 422
    assert refused.context["form"].errors["status"] == [
        "2 open deals stand in this stage. Move them to another stage first, or add a new stage with the other meaning."
    ]
    talk.refresh_from_db()
    assert (talk.status, talk.category, talk.probability) == ("OPEN", "COMMIT", 80)
    assert save_form(ops, page, {**form, "probability": "70"}).status_code == 302, "all else may change"
    for deal in deals:
        move_deal(deal, stage_id=won.pk)
    assert save_form(ops, page, {**form, "status": "LOST"}).status_code == 302
    closed = reverse("opportunities:setup_stage", args=[process.pk, won.pk])
    told = save_form(ops, closed, {**STAGE, "name": "Won"}).context["form"].errors["status"]
    assert told[0].startswith("2 closed deals stand in this stage.")
    form = ops.get(page).context["form"]
    assert form.get_initial_for_field(form.fields["category"], "category") == "PIPELINE"


def test_subcategories(ops) -> None:
    new = reverse("opportunities:setup_subcategory_new")
    for name in ("Needs legal", "Verbal"):
        assert ops.post(new, {"category": "COMMIT", "name": name, "is_active": "on"}).status_code == 302
    row = Subcategory.objects.get(code="verbal")
    page = reverse("opportunities:setup_subcategory", args=[row.pk])
    save_form(ops, page, {"name": "Verbal yes", "description": "Said."})
    row.refresh_from_db()
    assert (row.name, row.code, row.is_active) == ("Verbal yes", "verbal", False)
    ops.post(reverse("opportunities:setup_subcategory_move", args=[row.pk]), {"step": "-1"})
    names = [
        s.name for s in Subcategory.objects.filter(category="COMMIT", code__in=["verbal", "needs-legal"])
    ]
    assert names == ["Verbal yes", "Needs legal"]
    assert b"Needs legal" in ops.get(reverse("opportunities:setup_categories")).content


def test_what_nothing_uses_is_deleted_and_what_something_uses_stays(ops) -> None:
    idle, busy = SalesProcess.objects.create(name="Idle"), SalesProcess.objects.create(name="Busy")
    stage = Stage.objects.create(process=busy, name="Talk", position=1)
    late = Stage.objects.create(process=busy, name="Late", position=2)
    never = Stage.objects.create(process=busy, name="Never", position=3)
    finer = Subcategory.objects.create(category="COMMIT", code="sure", name="Sure")
    other = Subcategory.objects.create(category="COMMIT", code="spare", name="Spare")
    deal = make_deal(owner=make_person(), process=busy, stage=stage, subcategory=finer, category="COMMIT")
    move_deal(deal, stage_id=late.pk, subcategory_id=None)
    move_deal(deal, stage_id=None)
    for kind, row, stays in (
        ("process", idle, False), ("process", busy, True), ("stage", stage, True), ("stage", late, True), ("stage", never, False),
        ("subcategory", finer, True), ("subcategory", other, False),
    ):  # fmt: skip
        ops.post(reverse("opportunities:setup_delete", args=[kind, row.pk]))
        assert type(row).objects.filter(pk=row.pk).exists() is stays, (kind, row)
    deleted = AuditEvent.objects.filter(verb="DELETE").order_by("id")
    assert [e.before["name"] for e in deleted] == ["Idle", "Never", "Spare"]
    page = ops.get(reverse("opportunities:setup_stage", args=[busy.pk, stage.pk])).content.decode()
    assert "Former states of deals" in page, "history counts as use"
    assert ops.post("/setup/nonsense/1/delete").status_code == 404


def test_the_pages_cost_the_same_however_long(ops, django_assert_max_num_queries) -> None:
    process = SalesProcess.objects.create(name="P")
    Stage.objects.create(process=process, name="S0", position=1)
    with django_assert_max_num_queries(10) as few:
        ops.get(reverse("opportunities:setup_processes"))
    for i in range(5):
        other = SalesProcess.objects.create(name=f"P{i}")
        Stage.objects.create(process=other, name="S", position=1)
    with django_assert_max_num_queries(len(few)):
        ops.get(reverse("opportunities:setup_processes"))
