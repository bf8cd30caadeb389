"""Every customer gets an address of their own, made from the name. Two bear the same name: it fails
there, and since it is not atomic, the column and the addresses before remain."""

from django.db import migrations, models


def fill(apps, schema_editor):
    """One at a time, in the order in which they came."""
    for customer in apps.get_model("servers", "Customer").objects.order_by("id"):
        customer.email = f"{customer.name.lower()}@customers.example"
        customer.save()


class Migration(migrations.Migration):
    """A column, and what is in it."""

    atomic = False
    dependencies = [("servers", "0002_hourly_price")]
    operations = [
        migrations.AddField("Customer", "email", models.EmailField(null=True, unique=True)),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
