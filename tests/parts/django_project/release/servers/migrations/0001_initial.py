"""Customers and servers."""

import django.db.models.deletion
from django.db import migrations, models

_ID = (
    "id",
    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
)


class Migration(migrations.Migration):
    """The first tables."""

    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            "Customer",
            [
                _ID,
                ("name", models.CharField(max_length=200)),
            ],
        ),
        migrations.CreateModel(
            "Server",
            [
                _ID,
                ("name", models.CharField(max_length=200)),
                ("created", models.DateTimeField(auto_now_add=True)),
                (
                    "customer",
                    models.ForeignKey(
                        "servers.Customer", on_delete=django.db.models.deletion.CASCADE
                    ),
                ),
            ],
        ),
    ]
