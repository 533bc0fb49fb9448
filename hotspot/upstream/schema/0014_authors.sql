-- Who changed a record, also where that was done by plain SQL.

-- The database role: what is changed by hand often names no author, and leaves the last one.
ALTER TABLE change_log ADD COLUMN db_role TEXT;
ALTER TABLE change_log ALTER COLUMN db_role SET DEFAULT session_user;

-- No change is refused because its author is not known. Uploads and imports see to that themselves,
-- for many rows at once.
CREATE FUNCTION make_author_known() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO users (id) SELECT author FROM unnest(ARRAY[NEW.created_by, NEW.updated_by]) AS author
  WHERE author IS NOT NULL ORDER BY author ON CONFLICT (id) DO NOTHING;
  RETURN NEW;
END;
$$;
CREATE TRIGGER audio_versions_author BEFORE INSERT OR UPDATE ON audio_versions
  FOR EACH ROW WHEN (change_source() = 'api') EXECUTE FUNCTION make_author_known();
CREATE TRIGGER text_versions_author BEFORE INSERT OR UPDATE ON text_versions
  FOR EACH ROW WHEN (change_source() = 'api') EXECUTE FUNCTION make_author_known();
CREATE TRIGGER media_files_author BEFORE INSERT OR UPDATE ON media_files
  FOR EACH ROW WHEN (change_source() = 'api') EXECUTE FUNCTION make_author_known();
CREATE TRIGGER media_files_verses_author BEFORE INSERT OR UPDATE ON media_files_verses
  FOR EACH ROW WHEN (change_source() = 'api') EXECUTE FUNCTION make_author_known();
CREATE TRIGGER verse_texts_author BEFORE INSERT OR UPDATE ON verse_texts
  FOR EACH ROW WHEN (change_source() = 'api') EXECUTE FUNCTION make_author_known();
