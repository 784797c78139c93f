# ruff: noqa: S608 - every piece of SQL is a constant; values are parameters
"""What deals can be grouped and filtered by: for each dimension its column, its label and its order, in SQL.

The SQL speaks of `v`, the state of a deal (now, or a version valid at an instant), and of `{o}`, its current row, for
what has no history. Parameters: `day` is the business date whose reporting lines hold, `calendar` the fiscal
calendar, `zone` the business time zone.
"""

from __future__ import annotations

from dataclasses import dataclass

_LINE = "l.from_date <= %(day)s AND l.to_date > %(day)s"
_PERSON_NAMES = "SELECT name FROM organization_person WHERE %(all_people)s OR id = ANY(%(people)s)"
_MANAGERS = "SELECT manager_id FROM organization_reportingline WHERE person_id = ANY(%(people)s)"
_MANAGER_NAMES = f"{_PERSON_NAMES} OR id IN ({_MANAGERS})"
_SEEN_ACCOUNTS = (
    "%(all_deals)s OR id IN (SELECT v.account_id FROM opportunities_opportunityversion v "
    "WHERE v.superseded_at = '9999-12-31 00:00:00+00' AND {seen})"
)
"""Checking a typed name must not tell of people and accounts that the viewer does not see."""
_TERRITORY_NAMES = "SELECT name FROM organization_territory"
_KEYED = "coalesce({}::text = ANY({{keys}}::text[]), true)"
"""It is one of the rows stated; any is, where none is."""


@dataclass(frozen=True)
class Dimension:
    """One way to cut deals.

    `label` names a group, `key` tells apart groups of the same name (stages of the same name are one
    group), the least `sort` within a group orders it. `names` lists the labels
    there are for this viewer, for checking what somebody typed (`{seen}` becomes the condition that a state `v` of a
    deal is visible); empty: any text goes. `condition` replaces the ordinary filter by label (`{values}`) and key
    (`{keys}`). `overlaps`: a deal may belong to several groups, so groups do not add up to the whole.
    """

    name: str
    title: str
    label: str
    key: str = ""
    sort: str = ""
    joins: tuple[str, ...] = ()
    names: str = ""
    condition: str = ""
    overlaps: bool = False
    is_person: bool = False
    period_kind: str = ""

    @property
    def parts(self) -> tuple[str, str, str]:
        """Key, label and order, as selected."""
        return self.key or self.label, self.label, self.sort or self.label


def _linked(
    name: str, title: str, table: str, column: str, *, label: str = "name", names: str = ""
) -> Dimension:
    """A dimension that is a row another table names."""
    alias = f"d_{name}"
    return Dimension(
        name,
        title,
        f"{alias}.{label}",
        key=f"v.{column}",
        joins=(f"LEFT JOIN {table} {alias} ON {alias}.id = v.{column}",),
        names=names or f"SELECT {label} FROM {table}",
    )


_MANAGER = Dimension(
    "manager",
    "Manager",
    "d_manager.name",
    key="d_manager.id",
    joins=(
        f"LEFT JOIN organization_reportingline l ON l.person_id = v.owner_id AND {_LINE}",
        "LEFT JOIN organization_person d_manager ON d_manager.id = l.manager_id",
    ),
    names=_MANAGER_NAMES,
    is_person=True,
)
_MANAGER_SUBTREE = Dimension(
    "manager_subtree",
    "Team",
    "d_boss.name",
    key="d_boss.id",
    joins=(
        f"""JOIN (
          WITH RECURSIVE up(person, boss) AS (
            SELECT id, id FROM organization_person
            UNION
            SELECT up.person, l.manager_id FROM up JOIN organization_reportingline l
              ON l.person_id = up.boss AND {_LINE}
          ) SELECT person, boss FROM up
          WHERE EXISTS (SELECT 1 FROM organization_reportingline l WHERE l.manager_id = up.boss AND {_LINE})
            AND (%(all_people)s OR boss = ANY(%(people)s))
        ) d_up ON d_up.person = v.owner_id""",
        "JOIN organization_person d_boss ON d_boss.id = d_up.boss",
    ),
    names=_PERSON_NAMES,
    condition=f"""v.owner_id IN (
          WITH RECURSIVE below(person) AS (
            SELECT id FROM organization_person WHERE lower(name) = ANY({{values}}) AND {_KEYED.format("id")}
            UNION
            SELECT l.person_id FROM below JOIN organization_reportingline l
              ON l.manager_id = below.person AND {_LINE}
          ) SELECT person FROM below)""",
    overlaps=True,
    is_person=True,
)
_REGION = Dimension(
    "region",
    "Region",
    "d_region.name",
    key="d_region.id",
    joins=(
        """LEFT JOIN (
          SELECT c.descendant_id, t.id, t.name FROM organization_territoryclosure c
          JOIN organization_territory t ON t.id = c.ancestor_id AND t.parent_id IS NULL
        ) d_region ON d_region.descendant_id = v.territory_id""",
    ),
    names=f"{_TERRITORY_NAMES} WHERE parent_id IS NULL",
)
_TERRITORY_SUBTREE = Dimension(
    "territory_subtree",
    "Territory with those below",
    "d_above.name",
    key="d_above.id",
    joins=(
        "JOIN organization_territoryclosure d_tc ON d_tc.descendant_id = v.territory_id",
        "JOIN organization_territory d_above ON d_above.id = d_tc.ancestor_id",
    ),
    names=_TERRITORY_NAMES,
    condition=f"""v.territory_id IN (
          SELECT c.descendant_id FROM organization_territoryclosure c JOIN organization_territory t
            ON t.id = c.ancestor_id WHERE lower(t.name) = ANY({{values}}) AND {_KEYED.format("t.id")})""",
    overlaps=True,
)
_STAGE = Dimension(
    "stage",
    "Stage",
    "d_stage.name",
    sort="lpad(d_stage.position::text, 6, '0') || lpad(d_stage.process_id::text, 12, '0')",
    joins=("LEFT JOIN opportunities_stage d_stage ON d_stage.id = v.stage_id",),
    names="SELECT name FROM opportunities_stage",
)
_CATEGORIES = "ARRAY['WON', 'COMMIT', 'UPSIDE', 'PIPELINE', 'LOST', 'OMITTED']"
_CATEGORY = Dimension(
    "category",
    "Category",
    "initcap(v.category)",
    key="v.category",
    sort=f"array_position({_CATEGORIES}, v.category::text)::text",
    names=f"SELECT unnest({_CATEGORIES})",
)
_STATUSES = "ARRAY['OPEN', 'WON', 'LOST']"
_STATUS = Dimension(
    "status",
    "Status",
    "initcap(v.status)",
    key="v.status",
    sort=f"array_position({_STATUSES}, v.status::text)::text",
    names=f"SELECT unnest({_STATUSES})",
)
_FAMILY = Dimension(
    "family",
    "Product family",
    "d_family.name",
    key="d_family.id",
    joins=(
        "LEFT JOIN opportunities_product d_fp ON d_fp.id = v.product_id",
        "LEFT JOIN opportunities_productfamily d_family ON d_family.id = d_fp.family_id",
    ),
    names="SELECT name FROM opportunities_productfamily",
)


def _account_field(name: str, title: str) -> Dimension:
    return Dimension(
        name,
        title,
        f"nullif(d_account.{name}, '')",
        joins=("LEFT JOIN opportunities_account d_account ON d_account.id = v.account_id",),
        names=f"SELECT DISTINCT {name} FROM opportunities_account WHERE {_SEEN_ACCOUNTS}",
    )


def _text(name: str, title: str, column: str) -> Dimension:
    return Dimension(name, title, f"nullif({column}, '')")


_DATES = {
    "close": ("Close", "v.close_date"),
    "start": ("Start", "v.started_on"),
    "created": ("Creation", "({o}.created_at AT TIME ZONE %(zone)s)::date"),
}
DATE_SQL = {name: sql for name, (_, sql) in _DATES.items()}
"""The SQL of each date a period can be about."""
_CALENDAR_FORMATS = {
    "year": ('YYYY', "calendar year"),
    "quarter": ('YYYY"Q"Q', "calendar quarter"),
    "month": ('YYYY-MM', "calendar month"),
}  # fmt: skip


def _fiscal(prefix: str, kind: str) -> Dimension:
    title, sql = _DATES[prefix]
    alias = f"d_{prefix}_{kind}"
    return Dimension(
        f"{prefix}_{kind}",
        f"{title} {kind}",
        f"{alias}.name",
        sort=f"{alias}.from_date::text",
        joins=(
            f"LEFT JOIN organization_fiscalday d_{prefix} "
            f"ON d_{prefix}.calendar_id = %(calendar)s AND d_{prefix}.day = {sql}",
            f"LEFT JOIN organization_fiscalperiod {alias} ON {alias}.id = d_{prefix}.{kind}_id",
        ),
        names=(
            "SELECT name FROM organization_fiscalperiod WHERE calendar_id = %(calendar)s "
            f"AND kind = '{kind.upper()}'"
        ),
        period_kind=kind.upper() if prefix == "close" else "",
    )


def _calendar(prefix: str, kind: str) -> Dimension:
    title, sql = _DATES[prefix]
    pattern, what = _CALENDAR_FORMATS[kind]
    return Dimension(f"{prefix}_calendar_{kind}", f"{title}, {what}", f"to_char({sql}, '{pattern}')")


DIMENSIONS: dict[str, Dimension] = {
    dimension.name: dimension
    for dimension in (
        Dimension(
            **{
                **_linked("owner", "Owner", "organization_person", "owner_id", names=_PERSON_NAMES).__dict__,
                "is_person": True,
            }
        ),
        _MANAGER,
        _MANAGER_SUBTREE,
        _linked("territory", "Territory", "organization_territory", "territory_id"),
        _TERRITORY_SUBTREE,
        _REGION,
        _STAGE,
        _linked("process", "Process", "opportunities_salesprocess", "process_id"),
        _STATUS,
        _CATEGORY,
        _linked("subcategory", "Subcategory", "opportunities_subcategory", "subcategory_id"),
        _linked("product", "Product", "opportunities_product", "product_id"),
        _FAMILY,
        _linked(
            "account",
            "Account",
            "opportunities_account",
            "account_id",
            names=f"SELECT name FROM opportunities_account WHERE {_SEEN_ACCOUNTS}",
        ),
        _account_field("country", "Country"),
        _account_field("industry", "Industry"),
        _text("deal_type", "Deal type", "v.deal_type"),
        _text("lead_source", "Lead source", "v.lead_source"),
        _text("crm_source", "Imported from", "{o}.source"),
        Dimension("currency", "Currency", "v.currency_id", names="SELECT code FROM organization_currency"),
        *(_fiscal(prefix, kind) for prefix in _DATES for kind in ("year", "quarter", "month", "week")),
        *(_calendar(prefix, kind) for prefix in _DATES for kind in _CALENDAR_FORMATS),
    )
}
"""Every dimension by name."""

ALIASES = {
    "source": "lead_source",
    "type": "deal_type",
    "team": "manager_subtree",
    "manager_direct": "manager",
    "year": "close_year",
    "quarter": "close_quarter",
    "month": "close_month",
    "week": "close_week",
    "calendar_quarter": "close_calendar_quarter",
    "calendar_month": "close_calendar_month",
    "calendar_year": "close_calendar_year",
    "sector": "industry",
    "product_family": "family",
    "rep": "owner",
    "cohort": "start_calendar_month",
}
"""Shorter names people may type."""
