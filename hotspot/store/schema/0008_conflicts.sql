-- Conflicts that wait for a person, and sessions that have not ended: few, and often asked for.
CREATE INDEX idx_losing_versions_waiting ON losing_versions(table_name, record_id)
  WHERE resolution = 'manual';
CREATE INDEX idx_sync_log_running ON sync_log(package_id) WHERE status = 'running';

-- What a phone that pairs with a code may do.
ALTER TABLE pairing_codes ADD COLUMN role TEXT NOT NULL DEFAULT 'editor';
