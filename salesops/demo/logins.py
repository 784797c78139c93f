"""One demo login per role, with passwords made for this installation and kept in a file only its owner can read."""

from __future__ import annotations

import json
import os
from pathlib import Path

from organization.domain.roles import Role
from organization.domain.scope import Scope
from organization.models import User
from organization.services import create_login
from salesops.demo.blueprint import MAIL_DOMAIN
from salesops.demo.copying import Ids
from salesops.demo.story import DEMO_TEAM
from salesops.demo.world import World
from salesops.passwords import generated_password

FILE_NAME = "demo_logins.json"

_STAFF = (
    (Role.OPS, "Sales ops", "Imani Verhoeven"),
    (Role.ADMIN, "Administrator", "Tomas Okafor"),
    (Role.FINANCE, "Finance", "Greta Halloran"),
    (Role.AUDITOR, "Auditor", "Kwame Lindqvist"),
)


def write_logins(world: World, ids: Ids, folder: Path, scope: Scope) -> list[dict[str, str]]:
    """Creates the seven logins and their file; returns what the file says."""
    people = world.force.people
    team = next(team for team in world.force.teams if team.spec.name == DEMO_TEAM)
    chief = next(person.key for person in people if person.level == 1)
    wanted = [
        (Role.REP, "Sales rep", world.protagonist),
        (Role.MANAGER, "Sales manager", team.manager),
        (Role.EXECUTIVE, "Executive", chief),
    ]
    logins = []
    for role, title, key in wanted:
        entry = _entry(title, people[key].name, people[key].email)
        _create(entry, role=role, person_id=ids.people[key], scope=scope)
        logins.append(entry)
    for role, title, name in _STAFF:
        entry = _entry(title, name, name.lower().replace(" ", ".") + "@" + MAIL_DOMAIN)
        _create(entry, role=role, person_id=None, scope=scope)
        logins.append(entry)
    save(logins, folder)
    return logins


def _entry(role: str, name: str, email: str) -> dict[str, str]:
    return {
        "role": role,
        "name": name,
        "email": email,
        "password": generated_password(email=email, name=name),
    }


def _create(entry: dict[str, str], *, role: Role, person_id: int | None, scope: Scope) -> None:
    create_login(
        email=entry["email"],
        name=entry["name"],
        password=entry["password"],
        roles=[role],
        person_id=person_id,
        scope=scope,
    )


def renew_passwords(folder: Path) -> None:
    """New passwords for the demo logins, when the file with the old ones is gone."""
    titles = {Role.REP: "Sales rep", Role.MANAGER: "Sales manager", Role.EXECUTIVE: "Executive"}
    titles |= {role: title for role, title, _name in _STAFF}
    users = User.objects.filter(email__endswith="@" + MAIL_DOMAIN, role_grants__revoked_at__isnull=True)
    logins = []
    for role, title in titles.items():
        user = users.filter(role_grants__role=role).order_by("id").first()
        if user is not None:
            entry = _entry(title, user.name, user.email)
            user.set_password(entry["password"])
            user.save(update_fields=["password"])
            logins.append(entry)
    save(logins, folder)


def save(logins: list[dict[str, str]], folder: Path) -> Path:
    """Writes the file with mode 600 from its first byte."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE_NAME
    order = ("Sales rep", "Sales manager", "Sales ops", "Administrator", "Executive", "Finance", "Auditor")
    logins.sort(key=lambda entry: order.index(entry["role"]))
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        json.dump(logins, stream, indent=2, ensure_ascii=False)
    return path
