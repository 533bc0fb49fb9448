"""A sync engine for a Bible distribution hotspot: sticks in, phones served, edits carried on."""

__version__ = "0.1.0"
