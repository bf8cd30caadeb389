"""The pages that visitors see."""

from django.db.models import Sum
from django.http import HttpResponse
from grandvps import release
from servers.models import Customer, Server


def home(request):
    """The start page: which release this is, and what it counts."""
    counted = f"{Server.objects.count()} servers of {Customer.objects.count()} customers"
    cents = Server.objects.aggregate(all=Sum("hourly_price"))["all"]
    return HttpResponse(
        f"<h1>GrandVPS {release.NAME}</h1>\n<p>{counted}, {cents} cents an hour</p>\n"
    )
