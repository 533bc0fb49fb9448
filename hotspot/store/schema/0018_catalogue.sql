-- catalogue: grows with whatever changes what is listed: the packages, the names that they are
-- listed under, and how much of their damaged audio is here from elsewhere.
INSERT INTO meta VALUES ('catalogue', 1);

CREATE TRIGGER catalogue_gains_package AFTER INSERT ON local_packages BEGIN
  UPDATE meta SET value = value + 1 WHERE key = 'catalogue';
END;
CREATE TRIGGER catalogue_changes_package AFTER UPDATE OF package_type, language_entity_id,
  audio_version_id, text_version_id, version, imported_at, manifest_json ON local_packages BEGIN
  UPDATE meta SET value = value + 1 WHERE key = 'catalogue';
END;
CREATE TRIGGER catalogue_loses_package AFTER DELETE ON local_packages BEGIN
  UPDATE meta SET value = value + 1 WHERE key = 'catalogue';
END;

CREATE TRIGGER catalogue_gains_language AFTER INSERT ON language_entities BEGIN
  UPDATE meta SET value = value + 1 WHERE key = 'catalogue';
END;
CREATE TRIGGER catalogue_renames_language AFTER UPDATE OF name ON language_entities
WHEN OLD.name IS NOT NEW.name BEGIN
  UPDATE meta SET value = value + 1 WHERE key = 'catalogue';
END;
CREATE TRIGGER catalogue_gains_text AFTER INSERT ON text_versions BEGIN
  UPDATE meta SET value = value + 1 WHERE key = 'catalogue';
END;
CREATE TRIGGER catalogue_renames_text AFTER UPDATE OF name ON text_versions
WHEN OLD.name IS NOT NEW.name BEGIN
  UPDATE meta SET value = value + 1 WHERE key = 'catalogue';
END;
CREATE TRIGGER catalogue_loses_text AFTER DELETE ON text_versions BEGIN
  UPDATE meta SET value = value + 1 WHERE key = 'catalogue';
END;
CREATE TRIGGER catalogue_gains_audio AFTER INSERT ON audio_versions BEGIN
  UPDATE meta SET value = value + 1 WHERE key = 'catalogue';
END;
CREATE TRIGGER catalogue_renames_audio AFTER UPDATE OF name ON audio_versions
WHEN OLD.name IS NOT NEW.name BEGIN
  UPDATE meta SET value = value + 1 WHERE key = 'catalogue';
END;
CREATE TRIGGER catalogue_loses_audio AFTER DELETE ON audio_versions BEGIN
  UPDATE meta SET value = value + 1 WHERE key = 'catalogue';
END;

CREATE TRIGGER catalogue_mends_audio AFTER UPDATE OF local_path ON media_files
WHEN (OLD.local_path IS NULL) <> (NEW.local_path IS NULL) AND EXISTS (
  SELECT 1 FROM package_audio WHERE media_file_id = NEW.id AND damaged) BEGIN
  UPDATE meta SET value = value + 1 WHERE key = 'catalogue';
END;
CREATE TRIGGER catalogue_forgets_damaged AFTER DELETE ON media_files
WHEN EXISTS (SELECT 1 FROM package_audio WHERE media_file_id = OLD.id AND damaged) BEGIN
  UPDATE meta SET value = value + 1 WHERE key = 'catalogue';
END;

-- The CRC-32 of audio, by its SHA-256: what a ZIP archive needs before its first byte.
CREATE TABLE audio_checksums (
  sha256 TEXT PRIMARY KEY,
  crc32 INTEGER NOT NULL
) WITHOUT ROWID;
