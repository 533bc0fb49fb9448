-- Codes live for minutes, and end with the boot in which they were made: only the monotonic clock
-- of that boot can tell how old they are.
DROP TABLE pairing_codes;
CREATE TABLE pairing_codes (
  code_hash TEXT PRIMARY KEY,
  role TEXT NOT NULL,
  scopes TEXT,
  boot_id TEXT NOT NULL,
  expires_mono_ms INTEGER NOT NULL,
  failures INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

-- scopes: the ids of the versions that a device may change, as a JSON array; null: all of them.
ALTER TABLE devices ADD COLUMN scopes TEXT;
