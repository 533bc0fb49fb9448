-- When rows came: the first write transaction of each minute (UTC, to its 16th character) that had
-- any. What came before this was kept came, at the latest, at the time known to be past.
CREATE TABLE arrivals (
  minute TEXT PRIMARY KEY,
  seq INTEGER NOT NULL
) WITHOUT ROWID;

INSERT INTO arrivals
SELECT strftime('%Y-%m-%dT%H:%M', f.value / 1000, 'unixepoch'), 1
FROM meta f JOIN meta s ON s.key = 'seq' AND s.value > 0 WHERE f.key = 'floor_ms';
