"""The site's pages."""

from django.urls import path
from servers import health, views

urlpatterns = [path("", views.home), path("healthz", health.healthz)]
