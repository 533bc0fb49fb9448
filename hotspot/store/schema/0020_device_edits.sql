-- What a record was before a device edited it, and as which content the device left it; its own
-- edits that follow each other count as one. former_json: the whole record, null where none was.
CREATE TABLE device_edits (
  device_id TEXT NOT NULL,
  table_name TEXT NOT NULL,
  record_id TEXT NOT NULL,
  hash TEXT NOT NULL,
  former_hash TEXT,
  former_json TEXT,
  PRIMARY KEY (device_id, table_name, record_id)
) WITHOUT ROWID;
