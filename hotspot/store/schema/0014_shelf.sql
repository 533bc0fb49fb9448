-- What became of the package files that were met: the newest last, each thing said once per file.
CREATE TABLE imports (
  id INTEGER PRIMARY KEY,
  source TEXT NOT NULL,
  outcome TEXT NOT NULL,
  sentence TEXT NOT NULL,
  package_id TEXT,
  rows_json TEXT,
  seconds REAL NOT NULL,
  at TEXT NOT NULL,
  UNIQUE (source, sentence)
);

-- Files in packages/ that are to be deleted, also after a power cut: nothing refers to them.
CREATE TABLE discarded_files (
  file_name TEXT PRIMARY KEY
) WITHOUT ROWID;

-- What a package says of others, from its manifest.
ALTER TABLE package_files ADD COLUMN supersedes TEXT;
ALTER TABLE package_files ADD COLUMN conflicts_json TEXT NOT NULL DEFAULT '[]';
UPDATE package_files SET
  supersedes = (SELECT json_extract(p.manifest_json, '$.supersedes')
    FROM local_packages p WHERE p.id = package_id),
  conflicts_json = coalesce((SELECT json_extract(p.manifest_json, '$.conflictsWith')
    FROM local_packages p WHERE p.id = package_id), '[]');
