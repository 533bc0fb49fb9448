-- imports: how many packages brought rows of this version. How far its feed was read counts only
-- until the next one: those rows have not been compared.
ALTER TABLE feed_positions ADD COLUMN imports INTEGER NOT NULL DEFAULT 0;
