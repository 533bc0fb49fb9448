-- row_hash: digest.row_hash of the row, here a function of the connection that migrates.

ALTER TABLE audio_versions ADD COLUMN row_hash INTEGER NOT NULL DEFAULT 0;
ALTER TABLE text_versions ADD COLUMN row_hash INTEGER NOT NULL DEFAULT 0;
ALTER TABLE media_files ADD COLUMN row_hash INTEGER NOT NULL DEFAULT 0;
ALTER TABLE media_files_verses ADD COLUMN row_hash INTEGER NOT NULL DEFAULT 0;
ALTER TABLE verse_texts ADD COLUMN row_hash INTEGER NOT NULL DEFAULT 0;

UPDATE audio_versions SET row_hash = row_hash(id, updated_at, content_hash);
UPDATE text_versions SET row_hash = row_hash(id, updated_at, content_hash);
UPDATE media_files SET row_hash = row_hash(id, updated_at, content_hash);
UPDATE media_files_verses SET row_hash = row_hash(id, updated_at, content_hash);
UPDATE verse_texts SET row_hash = row_hash(id, updated_at, content_hash);

-- The feed's indexes hold all that a digest reads. Indexes by id would make every edit half as slow
-- again: ids are random, so each change would touch two more pages.
DROP INDEX idx_media_files_feed;
DROP INDEX idx_media_files_verses_feed;
DROP INDEX idx_verse_texts_feed;
CREATE INDEX idx_media_files_feed ON media_files(audio_version_id, seq, id, row_hash);
CREATE INDEX idx_media_files_verses_feed
  ON media_files_verses(denormalized_audio_version_id, seq, id, row_hash);
CREATE INDEX idx_verse_texts_feed ON verse_texts(text_version_id, seq, id, row_hash);
