"""Customers and the servers that they rent."""

from django.db import models


class Customer(models.Model):
    """Somebody who rents servers."""

    name = models.CharField(max_length=200)


class Server(models.Model):
    """A virtual server. Its price is in cents."""

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE)
    name = models.CharField(max_length=200)
    created = models.DateTimeField(auto_now_add=True)
    hourly_price = models.IntegerField(default=1)
