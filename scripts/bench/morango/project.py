"""What both sides do first: their database, and the scope that certificates are of."""

import os

import django
from django.db import connection
from django.db.backends.signals import connection_created

SCOPE = "bible"
USER, PASSWORD = "bench", "bench"


def set_up(database):
    """Opens the SQLite file `database`, made where there is none, in WAL as Kolibri does."""
    os.environ["MORANGO_DATABASE"] = database
    os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
    django.setup()
    connection_created.connect(_use_wal)
    from django.core.management import call_command
    from morango.models.certificates import ScopeDefinition
    from texts.models import PROFILE

    call_command("migrate", run_syncdb=True, verbosity=0)
    ScopeDefinition.objects.get_or_create(
        id=SCOPE,
        defaults={
            "profile": PROFILE,
            "version": 1,
            "primary_scope_param_key": "bible_id",
            "description": "All texts of a Bible.",
            "read_filter_template": "",
            "write_filter_template": "",
            "read_write_filter_template": "${bible_id}",
        },
    )


def durability():
    """The settings of the running connection that a power cut tells apart."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA journal_mode")
        (mode,) = cursor.fetchone()
        cursor.execute("PRAGMA synchronous")
        (synchronous,) = cursor.fetchone()
    return {"journal_mode": mode, "synchronous": synchronous}


def _use_wal(sender, connection, **kwargs):
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA journal_mode = WAL")
