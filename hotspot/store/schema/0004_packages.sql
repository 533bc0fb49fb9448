-- The package files that can be downloaded: file_name lies in packages/.
CREATE TABLE package_files (
  package_id TEXT PRIMARY KEY,
  file_name TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  size INTEGER NOT NULL,
  complete INTEGER NOT NULL,
  series_json TEXT
);

-- The audio inside them: `size` bytes at `offset` of the file.
CREATE TABLE package_audio (
  media_file_id TEXT NOT NULL,
  package_id TEXT NOT NULL,
  file_name TEXT NOT NULL,
  offset INTEGER NOT NULL,
  size INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  audio_format TEXT NOT NULL,
  original_name TEXT NOT NULL,
  PRIMARY KEY (media_file_id, package_id)
) WITHOUT ROWID;

CREATE INDEX idx_package_audio_package ON package_audio(package_id);

-- The versions that a package holds.
CREATE TABLE package_scopes (
  package_id TEXT NOT NULL,
  scope_kind TEXT NOT NULL,
  scope_id TEXT NOT NULL,
  PRIMARY KEY (package_id, scope_kind, scope_id)
) WITHOUT ROWID;

CREATE INDEX idx_package_scopes_scope ON package_scopes(scope_kind, scope_id);
