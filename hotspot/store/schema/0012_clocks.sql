-- What was known of the time, boot by boot: after_ms before the boot began; zero_ms, the time at
-- which its monotonic clock was 0 (a guess until it is trusted); known_ms, the last time known in it.
CREATE TABLE boots (
  id TEXT PRIMARY KEY,
  after_ms INTEGER NOT NULL,
  zero_ms INTEGER NOT NULL,
  trusted INTEGER NOT NULL DEFAULT 0,
  known_ms INTEGER NOT NULL
) WITHOUT ROWID;

-- doubt_ms: how far a pending edit's stamp may be off. boot_id and what belongs to it are null
-- where the time was known when the edit came, or the edit has been dated since.
ALTER TABLE record_sync_status ADD COLUMN doubt_ms INTEGER NOT NULL DEFAULT 0;
UPDATE record_sync_status SET doubt_ms = 9007199254740991 WHERE undated;
ALTER TABLE record_sync_status DROP COLUMN undated;
UPDATE record_sync_status SET boot_id = NULL WHERE sync_status <> 'pending';
CREATE INDEX idx_record_sync_status_boot ON record_sync_status(boot_id) WHERE boot_id IS NOT NULL;

-- boot_id: whose guess the stamps in the batch are by; null where they are the time.
ALTER TABLE upload_batches ADD COLUMN boot_id TEXT;
