"""Django's settings of both sides; MORANGO_DATABASE names the SQLite file of this one."""

import os

SECRET_KEY = "the benchmark's own"
ALLOWED_HOSTS = ["127.0.0.1"]
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["MORANGO_DATABASE"]}
}
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "rest_framework",
    "mptt",
    "morango",
    "texts",
]
AUTH_USER_MODEL = "texts.Person"
ROOT_URLCONF = "morango.urls"
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
USE_TZ = True
LOGGING_CONFIG = None
