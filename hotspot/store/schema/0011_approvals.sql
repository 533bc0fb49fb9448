-- Packages whose rows the administrator lets go up; each approval is of one file.
-- finished_at: all that the upstream lacked has gone up, or was refused for the reason given.
CREATE TABLE package_approvals (
  package_id TEXT PRIMARY KEY,
  sha256 TEXT NOT NULL,
  approved_at TEXT NOT NULL,
  finished_at TEXT,
  reason TEXT
) WITHOUT ROWID;
