"""The project's own tests, which a deploy runs."""

from django.test import TestCase

from servers.models import Customer, Server


class HomeTest(TestCase):
    """The start page."""

    def test_counts_the_servers(self):
        Server.objects.create(customer=Customer.objects.create(name="Ada"), name="web-1")
        self.assertContains(self.client.get("/"), "1 servers of 1 customers")
