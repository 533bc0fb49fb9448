-- How often each package went out of here to its end, by days (UTC). `told`: how much of the count
-- the server knows.
CREATE TABLE downloads (
  day TEXT NOT NULL,
  package_id TEXT NOT NULL,
  count INTEGER NOT NULL,
  told INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (day, package_id)
) WITHOUT ROWID;
