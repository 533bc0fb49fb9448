"""Morango's server on Django's own WSGI server.

usage: server.py DATABASE run PORT | server.py DATABASE change COUNT MARK
"""

import sys

import project


def run(port):
    """Serves; whoever signs in gets a certificate of the one root there is."""
    from django.core.servers.basehttp import get_internal_wsgi_application, run
    from morango.models.certificates import Certificate
    from texts.models import Person

    Person.objects.create_superuser(project.USER, password=project.PASSWORD)
    Certificate.generate_root_certificate(project.SCOPE)
    run("127.0.0.1", port, get_internal_wsgi_application(), threading=True)


def change(count, mark):
    """Edits the first texts here."""
    from texts.models import Text

    ids = list(Text.objects.order_by("id").values_list("id", flat=True)[:count])
    Text.objects.filter(id__in=ids).update(verse_text=mark)


if __name__ == "__main__":
    database, action, *given = sys.argv[1:]
    project.set_up(database)
    if action == "run":
        run(int(given[0]))
    else:
        change(int(given[0]), given[1])
