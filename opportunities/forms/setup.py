"""What people type about processes, stages and subcategories."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from opportunities.domain.deal import OPEN_CATEGORIES, Category
from salesops.ui.categories import CATEGORY_LABELS

STATUSES = [
    ("OPEN", _("Open: the deal goes on")),
    ("WON", _("Won: the deal is closed")),
    ("LOST", _("Lost: the deal is closed")),
]


class ProcessForm(forms.Form):
    """A sales process."""

    name = forms.CharField(label=_("Name"), max_length=100)
    is_active = forms.BooleanField(label=_("In use"), required=False, initial=True)


class StageForm(forms.Form):
    """A stage and what reaching it suggests."""

    name = forms.CharField(label=_("Name"), max_length=100)
    status = forms.ChoiceField(label=_("Reaching it means"), choices=STATUSES)
    category = forms.ChoiceField(
        label=_("Suggested category"), required=False, initial=Category.PIPELINE,
        choices=[(c.value, CATEGORY_LABELS[c.value]) for c in OPEN_CATEGORIES],
        help_text=_("The person decides; closing forces Won or Lost."),
    )  # fmt: skip
    probability = forms.DecimalField(
        label=_("Probability, percent"),
        min_value=0,
        max_value=100,
        max_digits=5,
        decimal_places=2,
        initial=10,
    )
    guidance = forms.CharField(
        label=_("Guidance"), required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("What to do and to know in this stage; shown on the deal."),
    )  # fmt: skip
    is_active = forms.BooleanField(label=_("In use"), required=False, initial=True)

    def clean_category(self) -> str:
        """Pipeline where none is chosen."""
        return str(self.cleaned_data["category"] or Category.PIPELINE)

    def clean_probability(self) -> Decimal:
        """As an exact number."""
        return Decimal(self.cleaned_data["probability"])


class SubcategoryForm(forms.Form):
    """A subcategory; its category is chosen once."""

    category = forms.ChoiceField(
        label=_("Category"), choices=[(c.value, CATEGORY_LABELS[c.value]) for c in Category]
    )
    name = forms.CharField(label=_("Name"), max_length=64)
    description = forms.CharField(label=_("What belongs here"), max_length=200, required=False)
    is_active = forms.BooleanField(label=_("In use"), required=False, initial=True)

    def __init__(self, *args: Any, is_new: bool, **kw: Any) -> None:
        super().__init__(*args, **kw)
        if not is_new:
            del self.fields["category"]
