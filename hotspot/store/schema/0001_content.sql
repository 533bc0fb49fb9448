-- The content tables: the server's columns, then what this store adds to each row.
-- content_hash: records.content_hash of the row. seq: the write transaction that last changed it.
-- There are no foreign keys between them: a child may arrive before its parent.

CREATE TABLE audio_versions (
  id TEXT PRIMARY KEY,
  language_entity_id TEXT NOT NULL,
  bible_version_id TEXT,
  project_id TEXT,
  name TEXT NOT NULL,
  created_at TEXT,
  created_by TEXT,
  updated_at TEXT NOT NULL,
  updated_by TEXT,
  deleted_at TEXT,
  content_hash TEXT NOT NULL,
  seq INTEGER NOT NULL,
  sync_status TEXT DEFAULT 'pending',
  last_synced_at TEXT,
  local_updated_at TEXT,
  import_source TEXT
);

CREATE TABLE text_versions (
  id TEXT PRIMARY KEY,
  language_entity_id TEXT NOT NULL,
  bible_version_id TEXT,
  project_id TEXT,
  name TEXT NOT NULL,
  text_version_source TEXT,
  created_at TEXT,
  created_by TEXT,
  updated_at TEXT NOT NULL,
  updated_by TEXT,
  deleted_at TEXT,
  content_hash TEXT NOT NULL,
  seq INTEGER NOT NULL,
  sync_status TEXT DEFAULT 'pending',
  last_synced_at TEXT,
  local_updated_at TEXT,
  import_source TEXT
);

CREATE TABLE media_files (
  id TEXT PRIMARY KEY,
  language_entity_id TEXT NOT NULL,
  audio_version_id TEXT,
  chapter_id TEXT,
  media_type TEXT,
  object_key TEXT,
  storage_provider TEXT,
  remote_path TEXT,
  original_filename TEXT,
  file_type TEXT,
  file_size INTEGER,
  duration_seconds REAL,
  is_bible_audio INTEGER,
  upload_status TEXT,
  publish_status TEXT,
  check_status TEXT,
  version INTEGER,
  start_verse_id TEXT,
  end_verse_id TEXT,
  created_at TEXT,
  created_by TEXT,
  updated_at TEXT NOT NULL,
  updated_by TEXT,
  deleted_at TEXT,
  content_hash TEXT NOT NULL,
  seq INTEGER NOT NULL,
  local_path TEXT,
  sync_status TEXT DEFAULT 'pending',
  last_synced_at TEXT,
  local_updated_at TEXT,
  import_source TEXT
);

CREATE TABLE media_files_verses (
  id TEXT PRIMARY KEY,
  media_file_id TEXT NOT NULL,
  verse_id TEXT NOT NULL,
  start_time_seconds REAL NOT NULL,
  duration_seconds REAL,
  verse_text_id TEXT,
  denormalized_audio_version_id TEXT,
  created_at TEXT,
  created_by TEXT,
  updated_at TEXT NOT NULL,
  updated_by TEXT,
  deleted_at TEXT,
  content_hash TEXT NOT NULL,
  seq INTEGER NOT NULL,
  sync_status TEXT DEFAULT 'pending',
  last_synced_at TEXT,
  local_updated_at TEXT,
  import_source TEXT
);

CREATE TABLE verse_texts (
  id TEXT PRIMARY KEY,
  verse_id TEXT NOT NULL,
  text_version_id TEXT NOT NULL,
  verse_text TEXT NOT NULL,
  version INTEGER,
  publish_status TEXT,
  created_at TEXT,
  created_by TEXT,
  updated_at TEXT NOT NULL,
  updated_by TEXT,
  deleted_at TEXT,
  content_hash TEXT NOT NULL,
  seq INTEGER NOT NULL,
  sync_status TEXT DEFAULT 'pending',
  last_synced_at TEXT,
  local_updated_at TEXT,
  import_source TEXT
);

-- The feed of a version: its rows in the order of (seq, id). Of a version's own row there is one.
CREATE INDEX idx_media_files_feed ON media_files(audio_version_id, seq, id);
CREATE INDEX idx_media_files_verses_feed
  ON media_files_verses(denormalized_audio_version_id, seq, id);
CREATE INDEX idx_verse_texts_feed ON verse_texts(text_version_id, seq, id);

CREATE INDEX idx_media_files_verses_natural ON media_files_verses(media_file_id, verse_id);
CREATE INDEX idx_verse_texts_natural ON verse_texts(verse_id, text_version_id);

CREATE INDEX idx_media_files_sync_status ON media_files(sync_status);
CREATE INDEX idx_media_files_last_synced ON media_files(last_synced_at);
CREATE INDEX idx_verse_texts_sync_status ON verse_texts(sync_status);
CREATE INDEX idx_verse_texts_last_synced ON verse_texts(last_synced_at);
