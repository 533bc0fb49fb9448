-- Wrong pairing codes since one was right (model/guessing.py): at most one row.
CREATE TABLE pairing_guesses (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  wrong INTEGER NOT NULL,
  boot_id TEXT NOT NULL,
  mono_ms INTEGER NOT NULL
);
