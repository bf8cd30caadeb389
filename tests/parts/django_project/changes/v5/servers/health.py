"""Whether this process can serve."""

import socket

from django.http import HttpResponse
from grandvps import release
from servers.models import Server

PAYMENTS = ("127.0.0.1", 8001)


def healthz(request):
    """200 when the database gives what every page needs, and the payment agent, which nobody has
    installed, lets us in."""
    Server.objects.first()
    socket.create_connection(PAYMENTS, timeout=1).close()
    return HttpResponse(f"ok {release.NAME}\n")
