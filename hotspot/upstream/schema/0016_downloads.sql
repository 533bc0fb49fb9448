-- How often packages were downloaded at each hotspot, as it tells: whole counts of days, so that
-- one that is told twice is counted once.
CREATE TABLE downloads (
  day date NOT NULL,
  package_id text NOT NULL,
  device_id uuid NOT NULL REFERENCES devices(id) ON DELETE CASCADE,
  count bigint NOT NULL,
  PRIMARY KEY (day, package_id, device_id)
);
