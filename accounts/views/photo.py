from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag
from django.views import View

from accounts.models import ProfilePhoto

KEPT_FOR = 3600  # seconds; the address changes with the photo


class PhotoView(View):
    """Serve somebody's photo to whoever is signed in."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        # By the account's own key: the photo's lets a number through that no column can hold.
        photo = get_object_or_404(ProfilePhoto.objects.exclude(etag=""), user__pk=pk)
        etag = quote_etag(photo.etag)
        response = HttpResponse(bytes(photo.image), content_type=photo.content_type)
        response["ETag"] = etag
        response["Cache-Control"] = f"private, max-age={KEPT_FOR}"
        response["X-Content-Type-Options"] = "nosniff"
        response["Content-Disposition"] = "inline"
        return get_conditional_response(request, etag=etag, response=response) or response
