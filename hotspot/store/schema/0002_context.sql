-- What packages bring to read by: never changed here, never sent to the server.

CREATE TABLE language_entities (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  iso_639_1 TEXT,
  iso_639_3 TEXT,
  region_id TEXT,
  created_at TEXT,
  created_by TEXT,
  updated_at TEXT,
  updated_by TEXT,
  deleted_at TEXT
);

CREATE TABLE regions (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  iso_3166_alpha2 TEXT,
  iso_3166_alpha3 TEXT,
  created_at TEXT,
  created_by TEXT,
  updated_at TEXT,
  updated_by TEXT,
  deleted_at TEXT
);

CREATE TABLE bible_versions (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  structure_notes TEXT,
  created_at TEXT,
  created_by TEXT,
  updated_at TEXT,
  updated_by TEXT,
  deleted_at TEXT
);

CREATE TABLE books (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  book_number INTEGER NOT NULL,
  bible_version_id TEXT,
  testament TEXT,
  created_at TEXT,
  created_by TEXT,
  updated_at TEXT,
  updated_by TEXT,
  deleted_at TEXT
);

CREATE TABLE chapters (
  id TEXT PRIMARY KEY,
  chapter_number INTEGER NOT NULL,
  book_id TEXT NOT NULL,
  total_verses INTEGER,
  created_at TEXT,
  created_by TEXT,
  updated_at TEXT,
  updated_by TEXT,
  deleted_at TEXT
);

CREATE TABLE verses (
  id TEXT PRIMARY KEY,
  chapter_id TEXT NOT NULL,
  verse_number INTEGER NOT NULL,
  created_at TEXT,
  created_by TEXT,
  updated_at TEXT,
  updated_by TEXT,
  deleted_at TEXT
);

CREATE TABLE tags (
  id TEXT PRIMARY KEY,
  key TEXT,
  name TEXT,
  created_at TEXT,
  created_by TEXT,
  updated_at TEXT,
  updated_by TEXT,
  deleted_at TEXT
);

CREATE TABLE media_files_tags (
  id TEXT PRIMARY KEY,
  media_file_id TEXT NOT NULL,
  tag_id TEXT NOT NULL,
  created_at TEXT,
  created_by TEXT,
  updated_at TEXT,
  updated_by TEXT,
  deleted_at TEXT
);
