-- Who edits, and by which devices.

-- The values that may travel: what JavaScript can hold, and hotspots accept.
CREATE DOMAIN bounded_text AS text CHECK (length(VALUE) <= 65536);
CREATE DOMAIN whole_number AS bigint
  CHECK (VALUE > -9007199254740992 AND VALUE < 9007199254740992);
CREATE DOMAIN real_number AS double precision CHECK (abs(VALUE) < 1e15);
CREATE DOMAIN instant AS timestamptz(3)
  CHECK (VALUE >= '1970-01-01T00:00:00Z' AND VALUE < '9999-01-01T00:00:00Z');

-- A name is null where an edit named an author of whom nothing else is known.
CREATE TABLE users (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  name text,
  created_at timestamptz(3) NOT NULL DEFAULT now()
);

CREATE TABLE devices (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id uuid NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  name text NOT NULL,
  role text NOT NULL CHECK (role IN ('reader', 'editor', 'admin', 'hotspot')),
  token_hash text NOT NULL UNIQUE,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  last_seen_at timestamptz(3),
  revoked_at timestamptz(3)
);

-- The device that first named an author who was not known.
ALTER TABLE users ADD COLUMN device_id uuid REFERENCES devices(id) ON DELETE SET NULL;

CREATE TABLE pairing_codes (
  code_hash text PRIMARY KEY,
  expires_at timestamptz(3) NOT NULL
);
