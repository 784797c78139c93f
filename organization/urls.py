"""Routes of the organisation: people, users, set-up, account, audit."""

from django.urls import path

from organization.views import account, audit, people, removal, setup, tokens, users

app_name = "organization"
urlpatterns = [
    path("people/", people.people, name="people"),
    path("people/rows", people.people_rows, name="people_rows"),
    path("people/new", people.person_new, name="person_new"),
    path("people/<int:person_id>", people.person, name="person"),
    path("people/<int:person_id>/edit", people.person_edit, name="person_edit"),
    path("people/<int:person_id>/move", people.person_move, name="person_move"),
    path("users/", users.users, name="users"),
    path("users/new", users.user_new, name="user_new"),
    path("users/<int:user_id>", users.user, name="user"),
    path("users/<int:user_id>/edit", users.user_edit, name="user_edit"),
    path("users/<int:user_id>/person", users.user_link, name="user_link"),
    path("users/<int:user_id>/role", users.user_role, name="user_role"),
    path("users/<int:user_id>/active", users.user_active, name="user_active"),
    path("users/<int:user_id>/second-step", users.user_second_step, name="user_second_step"),
    path("users/<int:user_id>/sign-out", users.user_sign_out, name="user_sign_out"),
    path("users/<int:user_id>/password-link", users.user_password_link, name="user_password_link"),
    path("users/grants/<int:grant_id>/confirm", users.grant_confirm, name="grant_confirm"),
    path("setup/", setup.setup, name="setup"),
    path("setup/company", setup.setup_company, name="setup_company"),
    path("setup/calendars/", setup.setup_calendars, name="setup_calendars"),
    path("setup/calendars/new", setup.setup_calendar_new, name="setup_calendar_new"),
    path("setup/calendars/<int:calendar_id>", setup.setup_calendar, name="setup_calendar"),
    path(
        "setup/calendars/<int:calendar_id>/activate",
        setup.setup_calendar_activate,
        name="setup_calendar_activate",
    ),
    path("setup/calendars/<int:calendar_id>/delete", removal.calendar_delete, name="setup_calendar_delete"),
    path("setup/currencies/<str:code>/delete", removal.currency_delete, name="setup_currency_delete"),
    path("setup/rates/", setup.setup_rates, name="setup_rates"),
    path("setup/rates/new", setup.setup_rate_new, name="setup_rate_new"),
    path("setup/rates/import", setup.setup_rates_import, name="setup_rates_import"),
    path("setup/territories/", setup.setup_territories, name="setup_territories"),
    path("setup/territories/new", setup.setup_territory, name="setup_territory_new"),
    path("setup/territories/<int:territory_id>", setup.setup_territory, name="setup_territory"),
    path(
        "setup/territories/<int:territory_id>/delete", removal.territory_delete, name="setup_territory_delete"
    ),
    path("account/", account.preferences, name="account"),
    path("account/display", account.keep_display, name="keep_display"),
    path("account/language", account.language, name="language"),
    path("account/sign-out-elsewhere", account.sign_out_elsewhere, name="sign_out_elsewhere"),
    path("account/tokens/", tokens.tokens, name="tokens"),
    path("account/tokens/<int:token_id>/revoke", tokens.token_revoke, name="token_revoke"),
    path("audit/", audit.audit, name="audit"),
    path("audit/events.csv", audit.audit_csv, name="audit_csv"),
]
