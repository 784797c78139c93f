"""Who works at the demo company: five levels, dated reporting lines, people who come, move and leave.

A *seat* is a patch of work with a succession of holders; deals belong to seats, so a deal's owner at any time
follows from the seat, and a leaver's open deals pass on as they would in life.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from random import Random

from salesops.demo.blueprint import MAIL_DOMAIN, REGIONS, TeamSpec
from salesops.demo.names import person_names
from salesops.demo.quarters import quarter_of, shifted

FOREVER = dt.date(9999, 12, 31).toordinal()


@dataclass
class PersonPlan:
    """A person and the traits that show in their deals; days are date ordinals."""

    key: int
    name: str
    title: str
    level: int
    started: int
    region: str = ""
    team: int = -1
    patch: str = ""
    left: int = FOREVER
    skill: float = 1.0
    discipline: float = 0.8
    optimism: float = 0.5

    @property
    def email(self) -> str:
        """An address under a reserved domain: it can never reach anybody."""
        plain = self.name.lower().translate(_PLAIN)
        return (
            ".".join("".join(c for c in part if c.isascii() and c.isalpha()) for part in plain.split())
            + "@"
            + MAIL_DOMAIN
        )


_PLAIN = str.maketrans("áàâäãåçčéèêëíìîïñóòôöõøúùûüýžš", "aaaaaacceeeeiiiinoooooouuuuyzs")


@dataclass(frozen=True)
class Line:
    """`person` reports to `manager` in `[from_day, to_day)`."""

    person: int
    manager: int
    from_day: int
    to_day: int = FOREVER


@dataclass
class Seat:
    """A rep's place in a team, with its holders in order: (person, from day)."""

    key: int
    team: int
    patch: str
    holders: list[tuple[int, int]]

    def holder(self, day: int) -> int:
        """Who holds the seat on a day."""
        found = self.holders[0][0]
        for person, since in self.holders:
            if since <= day:
                found = person
        return found


@dataclass
class TeamPlan:
    """A first-line team; its leader and the leader's director may change."""

    key: int
    spec: TeamSpec
    region: str
    area: str
    manager: int
    seats: list[int] = field(default_factory=list)


@dataclass
class Workforce:
    """Everybody, and who reported to whom when."""

    people: list[PersonPlan] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    teams: list[TeamPlan] = field(default_factory=list)
    seats: list[Seat] = field(default_factory=list)
    directors: dict[str, int] = field(default_factory=dict)
    heads: dict[str, int] = field(default_factory=dict)

    def manager_of(self, person: int, day: int) -> int | None:
        """Whom a person reported to on a day."""
        for line in self.lines:
            if line.person == person and line.from_day <= day < line.to_day:
                return line.manager
        return None

    def move(self, person: int, manager: int, day: int) -> None:
        """Ends the present line and starts another from that day."""
        for index, line in enumerate(self.lines):
            if line.person == person and line.to_day == FOREVER:
                self.lines[index] = Line(person, line.manager, line.from_day, day)
        self.lines.append(Line(person, manager, day))


def build_workforce(rng: Random, today: dt.date) -> Workforce:
    """About 120 people in five levels with eleven leavers, five moves and a director's team handed over."""
    force = Workforce()
    names = iter(person_names(rng, 160))
    base = (today - dt.timedelta(days=900)).toordinal()
    chief = _hire(force, rng, names, "Chief Revenue Officer", 1, base)
    for region in REGIONS:
        head = _hire(force, rng, names, f"VP Sales, {region.name}", 2, base, region.name)
        force.heads[region.name] = head.key
        force.lines.append(Line(head.key, chief.key, base))
        for area in region.areas:
            director = _hire(force, rng, names, f"Director, {area.name}", 3, base, region.name)
            force.directors[area.name] = director.key
            force.lines.append(Line(director.key, head.key, base))
            for spec in area.teams:
                _build_team(force, rng, names, spec, (region.name, area.name, director.key, base))
    _turnover(force, rng, names, today)
    _reorganise(force, today)
    return force


def _hire(
    force: Workforce,
    rng: Random,
    names: object,
    title: str,
    level: int,
    started: int,
    region: str = "",
    team: int = -1,
) -> PersonPlan:
    person = PersonPlan(
        key=len(force.people),
        name=next(names),  # type: ignore[call-overload]
        title=title,
        level=level,
        started=started - rng.randrange(30, 1500) if level < 5 else started,
        region=region,
        team=team,
        skill=min(1.5, max(0.6, rng.lognormvariate(0.0, 0.22))),
        discipline=min(0.98, max(0.25, rng.betavariate(5.0, 1.6))),
        optimism=rng.betavariate(2.2, 2.6),
    )
    force.people.append(person)
    return person


def _build_team(
    force: Workforce, rng: Random, names: object, spec: TeamSpec, place: tuple[str, str, int, int]
) -> None:
    region, area, director, base = place
    key = len(force.teams)
    manager = _hire(force, rng, names, f"Sales Manager, {spec.name}", 4, base, region, key)
    force.lines.append(Line(manager.key, director, base))
    team = TeamPlan(key, spec, region, area, manager.key)
    patches = [patch for _country, places in spec.patches for patch in places]
    for index in range(spec.reps):
        rep = _hire(force, rng, names, "Account Executive", 5, base - rng.randrange(0, 1200), region, key)
        rep.patch = patches[index % len(patches)]
        if rng.random() < 0.3:
            rep.title = "Senior Account Executive"
        force.lines.append(Line(rep.key, manager.key, base))
        seat = Seat(len(force.seats), key, rep.patch, [(rep.key, 0)])
        team.seats.append(seat.key)
        force.seats.append(seat)
    force.teams.append(team)


def _turnover(force: Workforce, rng: Random, names: object, today: dt.date) -> None:
    """Eleven reps left over the two years; the manager held their deals until a successor started."""
    leaving = rng.sample([s for s in force.seats if force.teams[s.team].spec.reps > 3], 11)
    for index, seat in enumerate(leaving):
        leaver = force.people[seat.holders[-1][0]]
        left = today.toordinal() - 640 + index * 52 + rng.randrange(0, 30)
        arrival = left + rng.randrange(18, 50)
        leaver.left = left
        manager = force.teams[seat.team].manager
        for position, line in enumerate(force.lines):
            if line.person == leaver.key:
                force.lines[position] = Line(line.person, line.manager, line.from_day, left)
        seat.holders.append((manager, left))
        if arrival < today.toordinal():
            rep = _hire(
                force, rng, names, "Account Executive", 5, arrival, force.teams[seat.team].region, seat.team
            )
            rep.patch = seat.patch
            force.lines.append(Line(rep.key, manager, arrival))
            seat.holders.append((rep.key, arrival))


def _team_named(force: Workforce, name: str) -> TeamPlan:
    return next(team for team in force.teams if team.spec.name == name)


def _reorganise(force: Workforce, today: dt.date) -> None:
    """Great Lakes passes to the director of US East at the start of the present fiscal half; some reps change teams."""
    quarter = quarter_of(today)
    half = shifted(quarter, -2).from_date.toordinal()
    force.move(_team_named(force, "Great Lakes").manager, force.directors["US East"], half)
    force.move(
        _team_named(force, "Benelux").manager,
        force.directors["UK & Ireland"],
        shifted(quarter, -4).from_date.toordinal(),
    )
    for from_team, to_team, back in (
        ("Mid-Atlantic", "Northeast", 3),
        ("Germany North", "Germany South & Alps", 2),
        ("Pacific", "Mountain & Texas", 1),
    ):
        mover = _settled_rep(force, _team_named(force, from_team), today)
        day = shifted(quarter, -back).from_date.toordinal()
        force.move(mover, _team_named(force, to_team).manager, day)


def _settled_rep(force: Workforce, team: TeamPlan, today: dt.date) -> int:
    """A rep who has held a seat of the team throughout."""
    return next(
        force.seats[s].holders[0][0]
        for s in reversed(team.seats)
        if len(force.seats[s].holders) == 1 and force.people[force.seats[s].holders[0][0]].left == FOREVER
    )
