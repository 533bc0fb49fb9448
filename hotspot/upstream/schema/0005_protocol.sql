-- What the protocol keeps beside the records.

-- The life that feed positions belong to, and the database that it was lived in. A part of the
-- identity is null where the role that wrote it may not read it.
CREATE TABLE sync_epoch (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  epoch text NOT NULL,
  system_identifier bigint,
  timeline text,
  database_oid bigint NOT NULL,
  began_at timestamptz(3) NOT NULL DEFAULT now()
);

CREATE TABLE answered_batches (
  device_id uuid REFERENCES devices(id) ON DELETE CASCADE,
  batch_id text,
  body_hash text NOT NULL,
  answer bytea NOT NULL,
  answered_at timestamptz(3) NOT NULL DEFAULT now(),
  PRIMARY KEY (device_id, batch_id)
);

-- Versions that lost; `winner` names the one that stood.
CREATE TABLE losing_versions (
  id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  table_name text NOT NULL,
  record_id uuid NOT NULL,
  version text NOT NULL,
  record jsonb NOT NULL,
  winner text NOT NULL,
  resolution text NOT NULL CHECK (resolution IN ('local_wins', 'server_wins', 'manual')),
  reason text NOT NULL,
  device_id uuid REFERENCES devices(id) ON DELETE SET NULL,
  lost_at timestamptz(3) NOT NULL DEFAULT now()
);
CREATE INDEX losing_versions_record ON losing_versions (record_id);
