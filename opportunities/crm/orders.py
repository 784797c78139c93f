"""Shipped orders as won deals, targets as quotas, and the tables of the AdventureWorks samples (some
without header)."""

from __future__ import annotations

from opportunities.crm.preset import FilePattern, Preset, extract, stages
from opportunities.domain.import_mapping import ColumnMap, ImportMapping, Role

_WON = stages(("Ordered", "WON", "WON", "100"))

ORDERS = Preset(
    "order-lines",
    "Order lines, targets and resellers",
    (
        FilePattern(
            needs=("SalesOrderNumber", "OrderDate", "ResellerKey", "EmployeeKey", "Sales"),
            extracts=(
                extract(
                    Role.ORDER_LINE,
                    external_id="SalesOrderNumber",
                    close_date="OrderDate",
                    account="ResellerKey",
                    owner="EmployeeKey",
                    territory="SalesTerritoryKey",
                    product="ProductKey",
                    quantity="Quantity",
                    unit_price="Unit Price",
                    amount="Sales",
                ),
            ),
        ),
        FilePattern(
            needs=("EmployeeID", "TargetAmount", "TargetMonth"),
            extracts=(
                extract(Role.QUOTA, person="EmployeeID", period_date="TargetMonth", amount="TargetAmount"),
            ),
        ),
        FilePattern(
            needs=("EmployeeKey", "EmployeeID", "Salesperson"),
            extracts=(
                extract(
                    Role.PERSON,
                    external_id="EmployeeKey",
                    alias="EmployeeID",
                    name="Salesperson",
                    email="UPN",
                    title="Title",
                ),
            ),
        ),
        FilePattern(
            needs=("EmployeeKey", "SalesTerritoryKey"),
            extracts=(extract(Role.MEMBERSHIP, person="EmployeeKey", territory="SalesTerritoryKey"),),
        ),
        FilePattern(
            needs=("ResellerKey", "Reseller", "Country-Region"),
            extracts=(
                extract(
                    Role.ACCOUNT,
                    external_id="ResellerKey",
                    name="Reseller",
                    kind="Business Type",
                    city="City",
                    region="State-Province",
                    country="Country-Region",
                ),
            ),
        ),
        FilePattern(
            needs=("ProductKey", "Product", "Category"),
            extracts=(
                extract(Role.FAMILY, name="Category", optional=True),
                extract(Role.FAMILY, name="Subcategory", parent="Category", optional=True),
                extract(Role.PRODUCT, external_id="ProductKey", name="Product", family="Subcategory"),
            ),
        ),
        FilePattern(
            needs=("SalesTerritoryKey", "Region", "Group"),
            extracts=(
                extract(
                    Role.TERRITORY,
                    external_id="Group",
                    name="Group",
                    kind=ColumnMap(constant="GROUP"),
                    optional=True,
                ),
                extract(
                    Role.TERRITORY,
                    external_id="SalesTerritoryKey",
                    name="Region",
                    parent="Group",
                    kind=ColumnMap(constant="TERRITORY"),
                ),
            ),
        ),
    ),
    ImportMapping(
        stages=_WON,
        currency="USD",
        process="Orders",
        quota_grain="MONTH",
        statements=(
            "An order is a won deal; its amount is the sum of its lines, its close date the order date.",
            "The deal belongs to the selling employee and to the territory of the sale, whoever else works there.",
            "Employees work in several territories, territories have several employees; this divides no sale and "
            "repeats none.",
            "A target is the quota of one employee for one month, taken as typed: a manager's target is not "
            "added to the team's.",
        ),
    ),
)

OLTP = Preset(
    "adventureworks-oltp",
    "AdventureWorks tables without header",
    (
        FilePattern(
            needs=(),
            file_name=r"SalesPersonQuotaHistory\.csv",
            columns=("BusinessEntityID", "QuotaDate", "SalesQuota", "rowguid", "ModifiedDate"),
            extracts=(
                extract(Role.QUOTA, person="BusinessEntityID", period_date="QuotaDate", amount="SalesQuota"),
            ),
        ),
        FilePattern(
            needs=(),
            file_name=r"SalesPerson\.csv",
            columns=(
                "BusinessEntityID",
                "TerritoryID",
                "SalesQuota",
                "Bonus",
                "CommissionPct",
                "SalesYTD",
                "SalesLastYear",
                "rowguid",
                "ModifiedDate",
            ),
            extracts=(extract(Role.PERSON, external_id="BusinessEntityID", territory="TerritoryID"),),
        ),
        FilePattern(
            needs=(),
            file_name=r"SalesTerritoryHistory\.csv",
            columns=("BusinessEntityID", "TerritoryID", "StartDate", "EndDate", "rowguid", "ModifiedDate"),
            extracts=(
                extract(
                    Role.MEMBERSHIP,
                    person="BusinessEntityID",
                    territory="TerritoryID",
                    from_date="StartDate",
                    last_date="EndDate",
                ),
            ),
        ),
        FilePattern(
            needs=(),
            file_name=r"SalesTerritory\.csv",
            columns=(
                "TerritoryID",
                "Name",
                "CountryRegionCode",
                "Group",
                "SalesYTD",
                "SalesLastYear",
                "CostYTD",
                "CostLastYear",
                "rowguid",
                "ModifiedDate",
            ),
            extracts=(
                extract(
                    Role.TERRITORY,
                    external_id="Group",
                    name="Group",
                    kind=ColumnMap(constant="GROUP"),
                    optional=True,
                ),
                extract(Role.TERRITORY, external_id="TerritoryID", name="Name", parent="Group"),
            ),
        ),
        FilePattern(
            needs=(),
            file_name=r"CurrencyRate\.csv",
            columns=("CurrencyRateID", "Date", "From", "To", "AverageRate", "EndOfDayRate", "ModifiedDate"),
            extracts=(
                extract(
                    Role.CURRENCY_RATE,
                    from_currency="From",
                    to_currency="To",
                    from_date="Date",
                    rate="EndOfDayRate",
                ),
            ),
        ),
        FilePattern(
            needs=(),
            file_name=r"DimReseller\.csv",
            columns=(
                "ResellerKey",
                "GeographyKey",
                "ResellerAlternateKey",
                "Phone",
                "BusinessType",
                "ResellerName",
                "NumberEmployees",
                "OrderFrequency",
                "OrderMonth",
                "FirstOrderYear",
                "LastOrderYear",
                "ProductLine",
                "AddressLine1",
                "AddressLine2",
                "AnnualSales",
                "BankName",
                "MinPaymentType",
                "MinPaymentAmount",
                "AnnualRevenue",
                "YearOpened",
            ),
            extracts=(
                extract(
                    Role.ACCOUNT,
                    external_id="ResellerKey",
                    name="ResellerName",
                    kind="BusinessType",
                    employees="NumberEmployees",
                    annual_revenue="AnnualSales",
                    geography="GeographyKey",
                ),
            ),
        ),
        FilePattern(
            needs=(),
            file_name=r"DimGeography\.csv",
            columns=(
                "GeographyKey",
                "City",
                "StateProvinceCode",
                "StateProvinceName",
                "CountryRegionCode",
                "EnglishCountryRegionName",
                "SpanishCountryRegionName",
                "FrenchCountryRegionName",
                "PostalCode",
                "SalesTerritoryKey",
                "IpAddressLocator",
            ),
            extracts=(
                extract(
                    Role.GEOGRAPHY,
                    external_id="GeographyKey",
                    city="City",
                    region="StateProvinceName",
                    country="EnglishCountryRegionName",
                    postal_code="PostalCode",
                    territory="SalesTerritoryKey",
                ),
            ),
        ),
    ),
    ImportMapping(
        currency="USD",
        rate_base="USD",
        quota_grain="QUARTER",
        statements=(
            "The end date of the territory history is the last day there; the territory stated with the person is "
            "the home territory, also where the history says otherwise.",
            "A quota belongs to the fiscal quarter that starts nearest to its date.",
            "Rates are end-of-day units of foreign currency per US dollar.",
            "An account takes city, postal code and territory from its geography row.",
        ),
    ),
)
