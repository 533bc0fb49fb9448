-- The number of a row that digests add up: the same from Python, SQLite and PostgreSQL.

CREATE FUNCTION row_hash_of(id uuid, updated_at timestamptz, content_hash text) RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT ('x' || hash_of(id::text || '~' || canonical(updated_at) || '~' || content_hash))
    ::bit(64)::bigint
$$;

-- Existing rows get their numbers by a change of type: an UPDATE would put all of them in the feed.
ALTER TABLE audio_versions ADD COLUMN row_hash bigint;
ALTER TABLE audio_versions ALTER COLUMN row_hash TYPE bigint
  USING row_hash_of(id, updated_at, content_hash), ALTER COLUMN row_hash SET NOT NULL;
ALTER TABLE text_versions ADD COLUMN row_hash bigint;
ALTER TABLE text_versions ALTER COLUMN row_hash TYPE bigint
  USING row_hash_of(id, updated_at, content_hash), ALTER COLUMN row_hash SET NOT NULL;
ALTER TABLE media_files ADD COLUMN row_hash bigint;
ALTER TABLE media_files ALTER COLUMN row_hash TYPE bigint
  USING row_hash_of(id, updated_at, content_hash), ALTER COLUMN row_hash SET NOT NULL;
ALTER TABLE media_files_verses ADD COLUMN row_hash bigint;
ALTER TABLE media_files_verses ALTER COLUMN row_hash TYPE bigint
  USING row_hash_of(id, updated_at, content_hash), ALTER COLUMN row_hash SET NOT NULL;
ALTER TABLE verse_texts ADD COLUMN row_hash bigint;
ALTER TABLE verse_texts ALTER COLUMN row_hash TYPE bigint
  USING row_hash_of(id, updated_at, content_hash), ALTER COLUMN row_hash SET NOT NULL;

CREATE FUNCTION number_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.row_hash := row_hash_of(NEW.id, NEW.updated_at, NEW.content_hash);
  RETURN NEW;
END;
$$;

-- Triggers fire in the order of their names: these come after those that set stamp and hash.
CREATE TRIGGER audio_versions_stamp_number BEFORE INSERT OR UPDATE ON audio_versions
  FOR EACH ROW EXECUTE FUNCTION number_row();
CREATE TRIGGER text_versions_stamp_number BEFORE INSERT OR UPDATE ON text_versions
  FOR EACH ROW EXECUTE FUNCTION number_row();
CREATE TRIGGER media_files_stamp_number BEFORE INSERT OR UPDATE ON media_files
  FOR EACH ROW EXECUTE FUNCTION number_row();
CREATE TRIGGER media_files_verses_stamp_number BEFORE INSERT OR UPDATE ON media_files_verses
  FOR EACH ROW EXECUTE FUNCTION number_row();
CREATE TRIGGER verse_texts_stamp_number BEFORE INSERT OR UPDATE ON verse_texts
  FOR EACH ROW EXECUTE FUNCTION number_row();

-- Without row_hash in them, an edit need not touch the indexes.
CREATE INDEX media_files_scope ON media_files (audio_version_id, id);
CREATE INDEX media_files_verses_scope ON media_files_verses (denormalized_audio_version_id, id);
CREATE INDEX verse_texts_scope ON verse_texts (text_version_id, id);
