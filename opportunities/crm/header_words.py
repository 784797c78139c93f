"""What people call the columns of their exports, in English and German: names by role and field."""

from __future__ import annotations

from opportunities.domain.import_mapping import Role

_TEXT: dict[Role, dict[str, str]] = {
    Role.OPPORTUNITY: {
        "external_id": "id, record id, crm id, number, key, reference, ref, verkaufschancen id, vorgangsnummer",
        "name": """
            name, opportunity, deal, title, topic, subject, bezeichnung, verkaufschance, titel,
            thema
        """,
        "account": """
            account, account name, company, company name, customer, customer name, organization,
            organization name, organisation, client, client name, associated company, buyer,
            prospect, kunde, kundenname, firma, unternehmen
        """,
        "owner": """
            owner, owner name, owner full name, sales rep, rep, rep name, sales rep name, seller,
            salesperson, sales person, sales agent, agent, sales representative, account executive,
            ae, account manager, account owner, assigned to, assignee, responsible, owner id,
            inhaber, verantwortlich, verantwortlicher, besitzer, zuständig, verkäufer,
            vertriebsmitarbeiter, bearbeiter, betreuer
        """,
        "process": """
            pipeline, pipeline name, sales process, record type, process, prozess, vertriebsprozess
        """,
        "stage": """
            stage, stage name, sales stage, pipeline stage, phase, sales phase, current stage, stufe,
            verkaufsphase, vertriebsphase
        """,
        "outcome": "status, outcome, result, state, sales status, won lost, ergebnis",
        "amount": """
            amount, value, revenue, size, estimated revenue, estimated value, close value, total,
            total value, total amount, total price, price, contract value, total contract value,
            annual contract value, acv, tcv, arr, new arr, booking, bookings, betrag, umsatz, wert,
            auftragswert, angebotswert, volumen, auftragsvolumen
        """,
        "currency": "currency, currency code, amount currency, währung",
        "probability": """
            probability, win probability, probability percent, win percent, percent, confidence,
            win chance, likelihood, close probability, wahrscheinlichkeit,
            abschlusswahrscheinlichkeit, gewinnchance
        """,
        "close_date": """
            close date, closed date, closing date, actual close date, close, closed on, date closed,
            won date, order date, booking date, abschlussdatum, abschluss, abgeschlossen am,
            auftragsdatum
        """,
        "expected_close_date": """
            expected close date, expected close, estimated close date, estimated close,
            forecast close date, target close date, projected close date, expected closing date,
            expected closing, anticipated close date, planned close date,
            voraussichtlicher abschluss, voraussichtliches abschlussdatum, geplanter abschluss,
            erwartetes abschlussdatum, erwarteter abschluss
        """,
        "started_on": """
            start date, engage date, opened, opened on, open date, date opened,
            lead acquisition date, startdatum
        """,
        "created_at": """
            created, created date, create date, created on, created at, date created, creation date,
            date added, add time, erstellt am, erstellungsdatum, angelegt am, erstellt
        """,
        "changed_at": """
            last modified date, modified on, last modified, last modified on, modified at,
            modified date, updated at, last updated, update time, geändert am, zuletzt geändert,
            letzte änderung, änderungsdatum
        """,
        "next_step": "next step, next steps, next action, nächster schritt, nächste schritte",
        "deal_type": "type, business type, typ, art, geschäftsart",
        "lead_source": "lead source, source, original source, channel, quelle, herkunft, leadquelle",
        "forecast_category": "forecast category, forecast, forecast status, prognosekategorie",
        "product": "product, product name, solution, produkt",
        "territory": """
            territory, territory name, region, sales region, sales territory, gebiet,
            vertriebsgebiet, verkaufsgebiet
        """,
        "is_closed": "is closed, closed",
        "is_won": "is won, won",
    },
    Role.STAGE_HISTORY: {
        "deal": "opportunity id, deal id, case, record id, opportunity, opportunity number, deal number",
        "stage": "stage, new value, to stage, stage name, new stage",
        "entered_at": """
            entered at, changed at, created date, timestamp, date entered, edit date, last modified
        """,
        "amount": "amount",
    },
    Role.ACCOUNT: {
        "external_id": "account id, company id, customer id, account number, customer number, id, kundennummer",
        "name": """
            account name, company name, account, company, customer, customer name, name, kunde,
            firma, firmenname
        """,
        "industry": "industry, sector, vertical, branche",
        "country": "country, billing country, land",
        "city": "city, billing city, town, ort, stadt",
        "postal_code": "postal code, zip, zip code, postcode, billing zip, plz, postleitzahl",
        "employees": """
            employees, number of employees, employee count, headcount, mitarbeiter, mitarbeiterzahl
        """,
        "annual_revenue": "annual revenue, revenue, jahresumsatz",
        "owner": "account owner, owner, account manager, inhaber, betreuer",
    },
    Role.PERSON: {
        "external_id": "user id, employee id, owner id, employee number, id, personalnummer",
        "name": "full name, name, user, sales rep, employee, employee name, mitarbeiter",
        "first_name": "first name, given name, vorname",
        "last_name": "last name, surname, family name, nachname",
        "email": "email, e mail, email address, work email, username, user name",
        "title": "title, job title, role, position",
        "manager": "manager, reports to, manager id, manager name, supervisor, vorgesetzter, führungskraft",
        "territory": "territory, region, office, gebiet",
    },
    Role.PRODUCT: {
        "external_id": "product id, sku, product code, product number, artikelnummer",
        "name": "product name, product, produkt, artikel",
        "family": "product family, family, category, product category, series, produktgruppe, warengruppe",
        "list_price": "list price, price, unit price, sales price, listenpreis",
    },
    Role.QUOTA: {
        "person": "person, rep, owner, employee id, sales rep, seller, salesperson",
        "period_date": "month, quarter, period, target month, quota date, date, monat, quartal",
        "amount": "quota, target, target amount, quota amount, sales quota, ziel, vorgabe",
    },
    Role.MEMBERSHIP: {
        "person": """
            person, rep, sales rep, seller, salesperson, user, user id, employee, employee id,
            member, name
        """,
        "territory": "territory, territory id, territory name, region, sales territory, patch, gebiet",
        "from_date": "from, start, start date, from date, valid from, since, assigned on, von, gültig ab",
        "last_date": "to, until, end, end date, to date, valid to, bis, gültig bis",
    },
}
HEADER_WORDS: dict[Role, dict[str, tuple[str, ...]]] = {
    role: {name: tuple(" ".join(word.split()) for word in words.split(",")) for name, words in fields.items()}
    for role, fields in _TEXT.items()
}
"""Headers as `suggest.normal` leaves them, the likeliest first."""
LONG_FORMS = {
    "no": "number", "nr": "number", "num": "number", "#": "number", "%": "percent", "opp": "opportunity",
    "oppty": "opportunity", "acct": "account", "exec": "executive", "mgr": "manager", "est": "estimated",
    "exp": "expected", "prob": "probability", "amt": "amount", "rev": "revenue", "cust": "customer",
    "org": "organization", "vorauss": "voraussichtlicher",
}  # fmt: skip
"""What a short word of a header stands for."""
OF_THE_DEAL = ("deal", "opportunity")
"""Words that say nothing more in front of a column of deals: 'Deal Value' is the value."""
