-- catalogue: grows also when audio comes by itself, and with what takes its place.
CREATE TRIGGER catalogue_gains_fetched AFTER INSERT ON fetched_audio BEGIN
  UPDATE meta SET value = value + 1 WHERE key = 'catalogue';
END;
CREATE TRIGGER catalogue_changes_fetched AFTER UPDATE ON fetched_audio BEGIN
  UPDATE meta SET value = value + 1 WHERE key = 'catalogue';
END;
CREATE TRIGGER catalogue_loses_fetched AFTER DELETE ON fetched_audio BEGIN
  UPDATE meta SET value = value + 1 WHERE key = 'catalogue';
END;
