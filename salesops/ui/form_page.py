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

from salesops.ui import meanwhile

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
    opened: Mapping[str, Any] | None = None,
    lede: Text = "",
    template: str = "ui/form_page.html",
    context: Mapping[str, Any] | None = None,
) -> HttpResponse:
    """Show the form; when posted and valid, `save` it and go `back` with the message it returns.

    `opened` is what exists already, as the form shows it: `save` gets, as `seen`, what that was when the form was
    opened, for the service to compare (`salesops.ui.meanwhile`).
    """
    seen, status = opened, 200
    if request.method == "POST":
        seen, status = meanwhile.from_field(request.POST.get(meanwhile.FIELD)), 422
        if opened is not None and seen is None:
            return unseen()
        if form.is_valid():
            known = {} if opened is None else {meanwhile.FIELD: seen}
            try:
                message = save({**form.cleaned_data, **known})
            except meanwhile.ChangedMeanwhileError as error:
                seen, status = error.now, 409
                tell_changed(form, error)
            except RefusedError as error:
                if error.is_forbidden:
                    raise PermissionDenied(error.message) from error
                form.add_error(error.field if error.field in form.fields else None, _(error.message))
            else:
                return done(request, back, message or "")
    shown = {"form": form, "title": title, "submit": submit, "back": back, "lede": lede, **(context or {})}
    if opened is not None:
        shown[meanwhile.FIELD] = meanwhile.as_field(seen or {})
    return render(request, template, shown, status=status)


def unseen() -> HttpResponse:
    """To a form that does not bear what it was opened with; browsers send that by themselves."""
    words = _("Say what the form showed when it was opened.")
    return HttpResponse(words, status=428, content_type="text/plain; charset=utf-8")


def tell_changed(form: forms.Form, error: meanwhile.ChangedMeanwhileError) -> None:
    """What somebody else saved: beside what was typed, which stays; in place of what was not touched."""
    form.add_error(
        None, _("Somebody else saved this meanwhile. What you typed still stands: look, and save again.")
    )
    form.data = form.data.copy()  # type: ignore[attr-defined]
    for name in error.fields:
        if name not in form.fields:
            continue
        field, now = form.fields[name], error.now[name]
        if name in error.untouched:
            _take(form, name, now)
            form.add_error(
                name, _("Changed meanwhile, and taken over: %(value)s") % {"value": _as_shown(field, now)}
            )
        else:
            form.add_error(name, _("By now: %(value)s") % {"value": _as_shown(field, now)})


def _take(form: forms.Form, name: str, now: str) -> None:
    """Has the form show and send a value as it is by now."""
    key = form.add_prefix(name)
    if not isinstance(form.fields[name], forms.BooleanField):
        form.data[key] = now  # type: ignore[index]
    elif now == "True":
        form.data[key] = "on"  # type: ignore[index]
    else:
        form.data.pop(key, None)  # type: ignore[attr-defined]


def _as_shown(field: forms.Field, text: str) -> str:
    if isinstance(field, forms.BooleanField):
        return _("Yes") if text == "True" else _("No")
    if isinstance(field, forms.ChoiceField):
        choices: Any = field.choices
        labels = {str(value): str(label).strip() for value, label in choices}
        text = labels.get(text, text)
    return text or "–"
