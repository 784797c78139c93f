"""One form, as a page or in the drawer: shown, refused with the reason beside the field, or done with a toast.

Services refuse with exceptions that carry `field` and `message`; a view built on this stays three lines long.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _

Text = str | Promise


class RefusedError(ValueError):
    """Base of the refusals services raise: `field` is the input at fault ("" for the whole), `message` the reason."""

    field: str = ""
    message: str = ""
    is_forbidden: bool = False


def done(request: HttpRequest, url: str, message: Text = "", *, undo_url: str = "") -> HttpResponse:
    """Go to `url` and say `message` there, with Undo where `undo_url` is; a form in the drawer takes the page along."""
    if message:
        messages.success(request, str(message), extra_tags=undo_url)
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204, headers={"HX-Redirect": url})
    return redirect(url)


def refused(request: HttpRequest, error: RefusedError, url: str) -> HttpResponse:
    """For a button without fields: 403 when forbidden, else back to `url` with the reason."""
    if error.is_forbidden:
        raise PermissionDenied(error.message)
    messages.error(request, _(error.message))
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204, headers={"HX-Redirect": url})
    return redirect(url)


def press(request: HttpRequest, act: Callable[[], Any], *, back: str, message: Text = "") -> HttpResponse:
    """A button: do it, then go `back` saying so, or saying why not."""
    try:
        act()
    except RefusedError as error:
        return refused(request, error, back)
    return done(request, back, message)


def form_page(
    request: HttpRequest,
    form: forms.Form,
    *,
    title: Text,
    submit: Text,
    save: Callable[[dict[str, Any]], Text | None],
    back: str,
    lede: Text = "",
    template: str = "ui/form_page.html",
    context: Mapping[str, Any] | None = None,
) -> HttpResponse:
    """Show the form; when posted and valid, `save` it and go `back` with the message it returns."""
    if request.method == "POST" and form.is_valid():
        try:
            message = save(form.cleaned_data)
        except RefusedError as error:
            if error.is_forbidden:
                raise PermissionDenied(error.message) from error
            form.add_error(error.field if error.field in form.fields else None, _(error.message))
        else:
            return done(request, back, message or "")
    status = 422 if request.method == "POST" else 200
    shown = {"form": form, "title": title, "submit": submit, "back": back, "lede": lede, **(context or {})}
    return render(request, template, shown, status=status)
