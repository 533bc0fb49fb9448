-- What this store knows of itself: epoch (names this life of the feed), seq (the last write
-- transaction that changed content), floor_ms (a time that is known to be past).
CREATE TABLE meta (
  key TEXT PRIMARY KEY,
  value NOT NULL
) WITHOUT ROWID;

INSERT INTO meta VALUES ('epoch', lower(hex(randomblob(16)))), ('seq', 0), ('floor_ms', 0);

CREATE TABLE local_packages (
  id TEXT PRIMARY KEY,
  package_type TEXT NOT NULL,
  language_entity_id TEXT NOT NULL,
  audio_version_id TEXT,
  text_version_id TEXT,
  version TEXT NOT NULL,
  imported_at TEXT NOT NULL,
  last_synced_at TEXT,
  sync_status TEXT DEFAULT 'pending',
  local_size_mb REAL,
  source TEXT NOT NULL,
  manifest_json TEXT,
  created_at TEXT DEFAULT (datetime('now')),
  updated_at TEXT DEFAULT (datetime('now'))
);

CREATE INDEX idx_local_packages_sync_status ON local_packages(sync_status);
CREATE INDEX idx_local_packages_type_language ON local_packages(package_type, language_entity_id);

CREATE TABLE sync_log (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  package_id TEXT NOT NULL,
  sync_type TEXT NOT NULL,
  started_at TEXT NOT NULL,
  completed_at TEXT,
  status TEXT NOT NULL,
  changes_count INTEGER DEFAULT 0,
  error_message TEXT,
  details_json TEXT,
  FOREIGN KEY (package_id) REFERENCES local_packages(id)
);

CREATE INDEX idx_sync_log_package_status ON sync_log(package_id, status);

-- The records edited here or in conflict, not the imported bulk.
-- base_version: the server's version that a pending edit was made on; null: it has none yet.
-- former_version: the version that the row's content had before it was stamped anew.
-- edited_seq: the write transaction of the last edit; what is pending goes up in this order.
-- batch_id: the last batch that it went into; it is under way while that batch is open.
-- undated, boot_id, received_mono_ms, age_ms, sender_stamp: what can date the edit later.
CREATE TABLE record_sync_status (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  table_name TEXT NOT NULL,
  record_id TEXT NOT NULL,
  last_synced_at TEXT,
  sync_status TEXT DEFAULT 'pending',
  local_updated_at TEXT,
  server_updated_at TEXT,
  conflict_resolution TEXT,
  created_at TEXT DEFAULT (datetime('now')),
  scope_kind TEXT,
  scope_id TEXT,
  base_version TEXT,
  former_version TEXT,
  edited_seq INTEGER NOT NULL,
  batch_id TEXT,
  changed_by TEXT,
  device_id TEXT,
  undated INTEGER NOT NULL DEFAULT 0,
  boot_id TEXT,
  received_mono_ms INTEGER,
  age_ms INTEGER,
  sender_stamp TEXT,
  reason TEXT,
  UNIQUE (table_name, record_id)
);

CREATE INDEX idx_record_sync_status_table ON record_sync_status(table_name, sync_status);
CREATE INDEX idx_record_sync_status_scope ON record_sync_status(scope_kind, scope_id, sync_status);
CREATE INDEX idx_record_sync_status_pending
  ON record_sync_status(edited_seq, id) WHERE sync_status = 'pending';

-- Versions that lost; record_json is the whole record. A version is kept once.
CREATE TABLE losing_versions (
  id INTEGER PRIMARY KEY,
  table_name TEXT NOT NULL,
  record_id TEXT NOT NULL,
  version TEXT NOT NULL,
  record_json TEXT NOT NULL,
  winner_version TEXT NOT NULL,
  resolution TEXT NOT NULL,
  reason TEXT NOT NULL,
  device_id TEXT,
  kept_at TEXT NOT NULL,
  UNIQUE (table_name, record_id, version)
);

-- How far the upstream's feed has been read. known: whether the upstream has that version.
CREATE TABLE feed_positions (
  scope_kind TEXT NOT NULL,
  scope_id TEXT NOT NULL,
  token TEXT,
  comparing INTEGER NOT NULL DEFAULT 1,
  known INTEGER NOT NULL DEFAULT 1,
  PRIMARY KEY (scope_kind, scope_id)
) WITHOUT ROWID;

-- Batches sent up, or about to be, that have no answer yet.
CREATE TABLE upload_batches (
  id TEXT PRIMARY KEY,
  number INTEGER NOT NULL UNIQUE,
  body BLOB NOT NULL,
  sent_json TEXT NOT NULL
);

-- Rows of the upstream's feed that could not be merged, to be tried again.
CREATE TABLE set_aside (
  table_name TEXT NOT NULL,
  record_id TEXT NOT NULL,
  record_json BLOB NOT NULL,
  reason TEXT NOT NULL,
  at TEXT NOT NULL,
  PRIMARY KEY (table_name, record_id)
) WITHOUT ROWID;

-- Answers given to the batches of devices, to be given again.
CREATE TABLE answered_batches (
  device_id TEXT NOT NULL,
  batch_id TEXT NOT NULL,
  body_hash TEXT NOT NULL,
  answer BLOB NOT NULL,
  at TEXT NOT NULL,
  PRIMARY KEY (device_id, batch_id)
);
