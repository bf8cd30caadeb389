"""Whether this process can serve."""

from django.http import HttpResponse
from grandvps import release

from servers.models import Server


def healthz(request):
    """200 when the database gives what every page needs."""
    Server.objects.first()
    return HttpResponse(f"ok {release.NAME}\n")
