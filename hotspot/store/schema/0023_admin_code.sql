-- The code by which a phone becomes an admin's at any time: kept as it is, because a person at the
-- machine is to read it. At most one row.
CREATE TABLE admin_code (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  code TEXT NOT NULL,
  code_hash TEXT NOT NULL
);
