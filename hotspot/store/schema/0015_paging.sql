-- The orders in which apps page through a version: by stamp, and by id. seq tells there, without the
-- row, what came here under an older stamp.
CREATE INDEX idx_media_files_stamps ON media_files(audio_version_id, updated_at, id, seq);
CREATE INDEX idx_media_files_verses_stamps
  ON media_files_verses(denormalized_audio_version_id, updated_at, id, seq);
CREATE INDEX idx_verse_texts_stamps ON verse_texts(text_version_id, updated_at, id, seq);
CREATE INDEX idx_verse_texts_ids ON verse_texts(text_version_id, id);
