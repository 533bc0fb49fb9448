"""One table of texts that syncs, and who may."""

from django.contrib.auth.models import AbstractUser
from django.db import models
from morango.models.core import SyncableModel

PROFILE = "bench"


class Text(SyncableModel):
    """A verse of one Bible, whose id is the partition."""

    morango_profile = PROFILE
    morango_model_name = "text"

    bible_id = models.CharField(max_length=32)
    verse_id = models.CharField(max_length=64)
    verse_text = models.TextField()

    def calculate_source_id(self):
        return self.verse_id

    def calculate_partition(self):
        return self.bible_id


class Person(AbstractUser):
    """Whoever may sign in may ask for a certificate."""

    def has_morango_certificate_scope_permission(self, scope_definition_id, scope_params):
        return True
