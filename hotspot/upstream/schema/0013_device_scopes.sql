-- The versions that a device may change; null: all of them.
ALTER TABLE devices ADD COLUMN scopes uuid[];
