"""Servers have a price: the older ones get the one that their customers were told."""

from django.db import migrations, models


def fill(apps, schema_editor):
    """Two cents for the first hundred, one for the rest."""
    apps.get_model("servers", "Server").objects.filter(id__lte=100).update(hourly_price=2)


class Migration(migrations.Migration):
    """A column, and what is in it."""

    dependencies = [("servers", "0001_initial")]
    operations = [
        migrations.AddField("Server", "hourly_price", models.IntegerField(default=1)),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
