"""The `.bible` file: a header, a manifest, an SQLite database and audio, in one file."""
