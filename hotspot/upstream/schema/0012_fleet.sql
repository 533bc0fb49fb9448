-- Sessions as they go on, and what hotspots say of themselves.

ALTER TABLE sync_sessions ADD COLUMN last_active_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT NOW();
CREATE INDEX sync_sessions_active ON sync_sessions (last_active_at) WHERE status = 'active';
CREATE INDEX sync_sessions_started ON sync_sessions (started_at);

-- One row a device, written many at a time. `positions`: by version, the token of the feed up to
-- which the device has been served; `in_step_at`: when there was nothing left to serve.
CREATE TABLE fleet (
  device_id uuid PRIMARY KEY REFERENCES devices(id) ON DELETE CASCADE,
  seen_at timestamptz(3) NOT NULL,
  in_step_at timestamptz(3),
  positions jsonb NOT NULL DEFAULT '{}',
  report jsonb,
  reported_at timestamptz(3)
);
INSERT INTO fleet (device_id, seen_at)
SELECT id, last_seen_at FROM devices WHERE last_seen_at IS NOT NULL;
ALTER TABLE devices DROP COLUMN last_seen_at;

-- A day is the same day for everybody who looks, whatever the time zone of their connection.
CREATE OR REPLACE VIEW sync_analytics AS
SELECT
  DATE(started_at AT TIME ZONE 'UTC') as sync_date,
  COUNT(*) as total_syncs,
  AVG(changes_downloaded + changes_uploaded) as avg_changes,
  SUM(CASE WHEN status = 'completed' THEN 1 ELSE 0 END) as successful_syncs,
  SUM(CASE WHEN status = 'failed' THEN 1 ELSE 0 END) as failed_syncs,
  AVG(EXTRACT(EPOCH FROM (completed_at - started_at))) as avg_duration_seconds
FROM sync_sessions
GROUP BY DATE(started_at AT TIME ZONE 'UTC')
ORDER BY sync_date DESC;
