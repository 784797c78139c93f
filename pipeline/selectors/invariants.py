# ruff: noqa: S608 - every piece of SQL is a constant; values are parameters
"""What must hold of the stored data at any moment, and which rows break it.

Each invariant is a statement that selects the rows in breach, first one first, each as a sentence a person can act on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.db import connection

from opportunities.domain.deal import TRACKED_FIELDS
from pipeline.selectors.checkpointed import LEAVES
from pipeline.selectors.ground import today
from pipeline.selectors.history import FAR
from salesops.audit.selectors import chain_faults

KEPT = 20
"""Broken rows named per invariant; more are only counted as 'at least'."""


@dataclass(frozen=True)
class Invariant:
    """Something that must hold; `find` names the rows in breach (at most `KEPT`)."""

    name: str
    title: str
    find: Callable[[], list[str]]


@dataclass(frozen=True)
class Finding:
    """The outcome of one check."""

    name: str
    title: str
    broken: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether no row is in breach."""
        return not self.broken


def _by_sql(name: str, title: str, sql: str) -> Invariant:
    def find() -> list[str]:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT told FROM ({sql}) broken(told) LIMIT {KEPT}", {"today": today()})
            return [row[0] for row in cursor.fetchall()]

    return Invariant(name, title, find)


_KNOWN = f"opportunities_opportunityversion WHERE superseded_at = {FAR}"

_CHAIN = f"""
SELECT format('Deal %%s: version %%s ends %%s, but %%s', opportunity_id, seq, valid_to,
              coalesce('the next begins ' || following, 'there is none after it'))
FROM (SELECT opportunity_id, seq, valid_to, lead(valid_from) OVER w AS following
      FROM {_KNOWN} WINDOW w AS (PARTITION BY opportunity_id ORDER BY valid_from, seq)) v
WHERE valid_to <> coalesce(following, {FAR}) ORDER BY opportunity_id, seq"""

_PRESENT = f"""
SELECT format('Deal %%s: %%s', o.id, CASE WHEN v.id IS NULL THEN 'has no current version'
              ELSE format('its row is not its current version %%s', v.seq) END)
FROM opportunities_opportunity o
LEFT JOIN opportunities_opportunityversion v
  ON v.opportunity_id = o.id AND v.valid_to = {FAR} AND v.superseded_at = {FAR}
WHERE (v.id IS NULL AND NOT o.is_deleted)
   OR (v.id IS NOT NULL AND ROW({", ".join(f"o.{f}" for f in TRACKED_FIELDS)}, o.changed_at)
       IS DISTINCT FROM ROW({", ".join(f"v.{f}" for f in TRACKED_FIELDS)}, v.valid_from))
ORDER BY o.id"""


def _closure(closure: str, edges: str, members: str, what: str) -> str:
    """Pairs the recursion gives and the table lacks, or the other way round."""
    return f"""
WITH RECURSIVE edge(parent, child) AS ({edges}), truth(a, d, depth) AS (
  SELECT id, id, 0 FROM {members} UNION SELECT t.a, e.child, t.depth + 1 FROM truth t JOIN edge e ON e.parent = t.d
)
SELECT format('{what} %%s above %%s: %%s', coalesce(a, ancestor_id), coalesce(d, descendant_id),
              CASE WHEN a IS NULL THEN 'stored, but not so' WHEN ancestor_id IS NULL THEN 'so, but not stored'
              ELSE format('stored at depth %%s, is at %%s', c.depth, t.depth) END)
FROM truth t FULL JOIN {closure} c ON c.ancestor_id = a AND c.descendant_id = d
WHERE a IS NULL OR ancestor_id IS NULL OR c.depth <> t.depth ORDER BY 1"""


_PEOPLE = _closure(
    "organization_personclosure",
    "SELECT manager_id, person_id FROM organization_reportingline WHERE from_date <= %(today)s AND to_date > %(today)s",
    "organization_person",
    "Person",
)
_TERRITORIES = _closure(
    "organization_territoryclosure",
    "SELECT parent_id, id FROM organization_territory WHERE parent_id IS NOT NULL",
    "organization_territory",
    "Territory",
)
_FAMILIES = _closure(
    "opportunities_productfamilyclosure",
    "SELECT parent_id, id FROM opportunities_productfamily WHERE parent_id IS NOT NULL",
    "opportunities_productfamily",
    "Product family",
)
_SPLITS = """
SELECT format('Deal %%s: its revenue splits sum to %%s %%%% on %%s', s.opportunity_id, sum(s.share), e.at)
FROM (SELECT opportunity_id, valid_from AS at FROM opportunities_opportunitysplit
      UNION SELECT opportunity_id, valid_to FROM opportunities_opportunitysplit) e
JOIN opportunities_opportunitysplit s
  ON s.opportunity_id = e.opportunity_id AND s.valid_from <= e.at AND s.valid_to > e.at
WHERE s.kind = 'REVENUE' GROUP BY s.opportunity_id, e.at HAVING sum(s.share) <> 100 ORDER BY s.opportunity_id, e.at"""
_CATEGORIES = """
SELECT format('Deal %%s: %%s in category %%s, subcategory %%s', o.id, o.status, o.category, coalesce(s.code, '-'))
FROM opportunities_opportunity o LEFT JOIN opportunities_subcategory s ON s.id = o.subcategory_id
WHERE (o.status = 'OPEN') = (o.category IN ('WON', 'LOST')) OR (o.status <> 'OPEN' AND o.status <> o.category)
   OR s.category <> o.category ORDER BY o.id"""
_QUOTAS = """
SELECT format('Quota %%s and %%s of person %%s, period %%s hold at the same time', a.id, b.id, a.person_id, a.period_id)
FROM territories_quota a JOIN territories_quota b
  ON b.person_id = a.person_id AND b.period_id = a.period_id AND b.id > a.id
WHERE a.recorded_at < b.superseded_at AND b.recorded_at < a.superseded_at ORDER BY a.id"""
_PERIODS = """
SELECT format('Calendar %%s: %%s %%s ends %%s, the next begins %%s', calendar_id, kind, name, to_date, following)
FROM (SELECT *, lead(from_date) OVER (PARTITION BY calendar_id, kind ORDER BY from_date) AS following
      FROM organization_fiscalperiod) p
WHERE following <> to_date
UNION ALL
SELECT format('Period %%s lies outside its parent %%s', p.name, q.name)
FROM organization_fiscalperiod p JOIN organization_fiscalperiod q ON q.id = p.parent_id
WHERE p.from_date < q.from_date OR p.to_date > q.to_date"""
_DAYS = """
SELECT format('Calendar %%s: %%s is no day of it', y.calendar_id, g.at::date)
FROM (SELECT calendar_id, min(from_date) AS first, max(to_date) AS after FROM organization_fiscalperiod
      WHERE kind = 'YEAR' GROUP BY 1) y,
     generate_series(y.first::timestamp, y.after::timestamp - interval '1 day', interval '1 day') g(at)
WHERE NOT EXISTS (SELECT 1 FROM organization_fiscalday d WHERE d.calendar_id = y.calendar_id AND d.day = g.at::date)
UNION ALL
SELECT format('Calendar %%s: %%s is said to lie in %%s', d.calendar_id, d.day, p.name)
FROM organization_fiscalday d
JOIN organization_fiscalperiod p ON p.id IN (d.week_id, d.month_id, d.quarter_id, d.year_id)
WHERE d.day < p.from_date OR d.day >= p.to_date OR p.calendar_id <> d.calendar_id"""
_LINES = """
SELECT format('Person %%s has two managers on %%s: lines %%s and %%s', a.person_id, greatest(a.from_date, b.from_date),
              a.id, b.id)
FROM organization_reportingline a JOIN organization_reportingline b ON b.person_id = a.person_id AND b.id > a.id
WHERE a.from_date < b.to_date AND b.from_date < a.to_date ORDER BY a.id"""
_JOBS = """
SELECT format('Job %%s (%%s) runs without a sign of life since %%s', id, kind, lease_until)
FROM jobs_job WHERE state = 'RUNNING' AND lease_until < now() - interval '2 minutes' ORDER BY id"""
_KEYS = "tree, month_id, member_id, category, subcategory_id, currency"
_SUMS = "deals, unpriced, amount, weighted"
_LEAF = """m.tree, coalesce(f.month_id, 0) AS month_id, m.member_id, l.category, l.subcategory_id, l.currency,
         l.deals, l.unpriced, l.amount, l.weighted"""
_LEAF_LESS = _LEAF.replace(
    "l.deals, l.unpriced, l.amount, l.weighted", "-l.deals, -l.unpriced, -l.amount, -l.weighted"
)
_AT_LEAVES = f"""
  FROM point p JOIN pipeline_rollupledger l ON true {LEAVES}
  LEFT JOIN organization_fiscalday f ON f.calendar_id = p.calendar_id AND f.day = l.close_date"""
_ROLLUPS = """
SELECT format('Tree %%s, node %%s, month %%s, %%s, %%s: stored %%s deals, %%s, weighted %%s; '
              'the deals say %%s, %%s, %%s',
              tree, node_id, month_id, category, currency, stored_deals, stored_amount, stored_weighted,
              true_deals, true_amount, true_weighted)
FROM rollup_differences()"""

_LEDGER = """
SELECT format('At %%s, owner %%s, territory %%s, product %%s, closing %%s, %%s, %%s: the ledger lacks %%s deals, %%s, '
              'weighted %%s of the versions',
              at, coalesce(owner_id::text, '-'), coalesce(territory_id::text, '-'), coalesce(product_id::text, '-'),
              coalesce(close_date::text, '-'), category, currency, deals, amount, weighted)
FROM rollup_ledger_differences()"""
# What a checkpoint adds to the one before it must be the ledger's rows between the two, late ones included.
_CHECKPOINTS = f"""
WITH point AS (
  SELECT id, at, calendar_id, watermark, lead(id) OVER w AS following,
         lag(at, 1, '-infinity') OVER w AS after
  FROM pipeline_rollupcheckpoint WINDOW w AS (PARTITION BY calendar_id ORDER BY at)
), stored AS (
  SELECT checkpoint_id, {_KEYS}, {_SUMS} FROM pipeline_rollupcheckpointcell
  UNION ALL
  SELECT p.id, {_LEAF} {_AT_LEAVES} WHERE l.id > p.watermark AND l.at <= p.at
), gain AS (
  SELECT checkpoint_id, {_KEYS}, {_SUMS} FROM stored
  UNION ALL
  SELECT p.following, {_KEYS}, -deals, -unpriced, -amount, -weighted
  FROM stored JOIN point p ON p.id = checkpoint_id WHERE p.following IS NOT NULL
  UNION ALL
  SELECT p.id, {_LEAF_LESS} {_AT_LEAVES} WHERE l.at > p.after AND l.at <= p.at
)
SELECT format('Checkpoint of %%s, tree %%s, member %%s, month %%s, %%s, %%s: %%s deals, %%s, weighted %%s too many',
              p.at, tree, member_id, month_id, category, currency, sum(deals), sum(amount), sum(weighted))
FROM gain JOIN point p ON p.id = checkpoint_id
GROUP BY p.at, p.id, {_KEYS}
HAVING sum(deals) <> 0 OR sum(unpriced) <> 0 OR sum(amount) <> 0 OR sum(weighted) <> 0
ORDER BY p.at, {_KEYS}"""


def _audit() -> list[str]:
    return chain_faults()[:KEPT]


INVARIANTS: tuple[Invariant, ...] = (
    _by_sql("rollups", "Roll-ups plus queue are the sum of the deals at every node of every tree", _ROLLUPS),
    _by_sql("ledger", "The ledger of the past says what the versions say", _LEDGER),
    _by_sql("checkpoints", "A checkpoint is the ledger summed up to its instant", _CHECKPOINTS),
    _by_sql("version_chain", "A deal's versions follow each other without gap or overlap", _CHAIN),
    _by_sql("current_version", "A deal's row is its last version", _PRESENT),
    _by_sql("people_closure", "The closure of people is that of today's reporting lines", _PEOPLE),
    _by_sql("territory_closure", "The closure of territories is that of their parents", _TERRITORIES),
    _by_sql("family_closure", "The closure of product families is that of their parents", _FAMILIES),
    _by_sql("reporting_lines", "Nobody has two managers at a time", _LINES),
    _by_sql("categories", "Category and subcategory fit the status", _CATEGORIES),
    _by_sql("splits", "Revenue splits sum to 100 %", _SPLITS),
    _by_sql("quotas", "One quota is in force per person and period", _QUOTAS),
    _by_sql("fiscal_periods", "Fiscal periods follow each other and lie within their parents", _PERIODS),
    _by_sql("fiscal_days", "Every day of a calendar lies in its week, month, quarter and year", _DAYS),
    Invariant("audit_chain", "The audit trail is as it was written", _audit),
    _by_sql("jobs", "No running job has been silent for two minutes", _JOBS),
)
"""Every invariant, the most important first."""


def findings(names: set[str] | None = None) -> Iterator[Finding]:
    """The outcome of each check (or of those named), one after the other as they are done."""
    for invariant in INVARIANTS:
        if names is None or invariant.name in names:
            yield Finding(invariant.name, invariant.title, tuple(invariant.find()))
