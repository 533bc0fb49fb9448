-- Who may upload. Tokens and pairing codes are kept as their SHA-256 only.
CREATE TABLE devices (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  role TEXT NOT NULL,
  token_hash TEXT NOT NULL UNIQUE,
  created_at TEXT NOT NULL,
  last_used_at TEXT,
  revoked_at TEXT
);

-- failures: wrong codes that were tried while this one was open.
CREATE TABLE pairing_codes (
  code_hash TEXT PRIMARY KEY,
  expires_at TEXT NOT NULL,
  failures INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
