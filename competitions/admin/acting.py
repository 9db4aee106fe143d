"""Buttons of the admin: unfold's, which answer also whom somebody else forestalled."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.decorators import action as unfolds_action

GONE = "That is not possible any more: somebody was faster. The page shows how things stand now."


def action(**options: Any) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    """Unfold's ``action`` (its options), whose bare 403 a dialog would swallow without a word.

    Whoever may change such rows is led back to its page, with a sentence; others get the 403.
    """

    def decorate(verb: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        asked = unfolds_action(**options)(verb)

        @wraps(asked)
        def answer(model_admin: Any, request: Any, **given: Any) -> HttpResponse:
            try:
                response: HttpResponse = asked(model_admin, request, **given)
            except PermissionDenied:
                if not _may_act(model_admin, request, given["object_id"]):
                    raise
                messages.error(request, GONE)
                return _back(model_admin, request, given["object_id"])
            return response

        return answer

    return decorate


def _may_act(model_admin: Any, request: HttpRequest, pk: Any) -> bool:
    """By the role: the admin may refuse changes to rows that buttons alone change."""
    row = model_admin.get_queryset(request).filter(pk=pk).first() if str(pk).isdigit() else None
    return row is not None and model_admin.may(request, row, model_admin.acted_on_by)


def _back(model_admin: Any, request: HttpRequest, pk: Any) -> HttpResponse:
    """Htmx, which sends the dialogs, follows its own header and would swallow a redirect."""
    name = f"admin:{model_admin.opts.app_label}_{model_admin.opts.model_name}_change"
    page = reverse(name, args=[pk])
    if "HX-Request" in request.headers:
        return HttpResponse(headers={"HX-Redirect": page})
    return HttpResponseRedirect(page)
