"""Composition root: loads Celery when Django is ready (not in __init__, which must stay empty)."""

from django.apps import AppConfig, apps
from django.utils.translation import gettext_lazy as _


class SalesopsConfig(AppConfig):
    """Django configuration of the composition root."""

    name = "salesops"
    label = "salesops"

    def ready(self) -> None:
        """Makes the configured Celery application the current one; offers the system page and the answers of help."""
        from django.contrib.auth.signals import user_logged_in
        from django.db.models.signals import post_migrate

        import salesops.celery  # noqa: F401
        from salesops.help.finding import find_help
        from salesops.sessions import begin
        from salesops.ui import palette
        from salesops.ui.navigation import NavItem, register

        # the signal comes once for each app that has models; this one has none
        post_migrate.connect(_build_wall, sender=apps.get_app_config("organization"))
        user_logged_in.connect(begin)
        palette.register("help", find_help)
        register(
            NavItem(
                _("System"), "system:system", icon="activity", key="y",
                capability="VIEW_SYSTEM", order=95, group=_("Company"),
            )
        )  # fmt: skip


def _build_wall(using: str, **_: object) -> None:
    from salesops.wall.policies import build

    build(using)
