-- Audio that came from upstream by itself, and not in a package: file_name lies in packages/.
CREATE TABLE fetched_audio (
  media_file_id TEXT PRIMARY KEY,
  file_name TEXT NOT NULL,
  size INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  audio_format TEXT NOT NULL,
  original_name TEXT NOT NULL,
  fetched_at TEXT NOT NULL
) WITHOUT ROWID;

-- Audio whose record names another recording than the one that is here.
CREATE TABLE wanted_audio (
  media_file_id TEXT PRIMARY KEY,
  wanted_at TEXT NOT NULL,
  failures INTEGER NOT NULL DEFAULT 0,
  reason TEXT
) WITHOUT ROWID;
