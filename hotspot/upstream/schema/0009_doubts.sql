-- How far the stamps of some rows may be off, in milliseconds; it is said of one version, and of
-- none that comes after it.
CREATE TABLE stamp_doubts (
  table_name text NOT NULL,
  record_id uuid NOT NULL,
  version text NOT NULL,
  doubt_ms bigint NOT NULL,
  PRIMARY KEY (record_id, table_name)
);
