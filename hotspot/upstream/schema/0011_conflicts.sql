-- Conflicts that wait for a person: each version once, and closed by whatever replaces the text
-- that stands against it, whoever writes that.

DELETE FROM losing_versions l USING losing_versions later
WHERE later.table_name = l.table_name AND later.record_id = l.record_id
  AND later.version = l.version AND later.id > l.id;
DROP INDEX losing_versions_record;
CREATE UNIQUE INDEX losing_versions_version ON losing_versions (record_id, version, table_name);
CREATE INDEX losing_versions_waiting ON losing_versions (record_id) WHERE resolution = 'manual';

-- What has moved on already is closed.
UPDATE losing_versions l SET resolution = 'server_wins'
WHERE resolution = 'manual' AND split_part(winner, '~', 2) IS DISTINCT FROM (
  SELECT content_hash FROM verse_texts t WHERE t.id = l.record_id AND l.table_name = 'verse_texts'
  UNION ALL
  SELECT content_hash FROM media_files t WHERE t.id = l.record_id AND l.table_name = 'media_files'
);

CREATE FUNCTION close_conflicts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM losing_versions WHERE resolution = 'manual') THEN
    RETURN NULL;
  ELSIF TG_OP = 'DELETE' THEN
    UPDATE losing_versions l SET resolution = 'server_wins' FROM was
    WHERE l.resolution = 'manual' AND l.record_id = was.id AND l.table_name = TG_TABLE_NAME;
  ELSE
    UPDATE losing_versions l SET resolution = 'server_wins' FROM was JOIN is_now USING (id)
    WHERE l.resolution = 'manual' AND l.record_id = was.id AND l.table_name = TG_TABLE_NAME
      AND was.content_hash <> is_now.content_hash;
  END IF;
  RETURN NULL;
END;
$$;

-- Only what devices may change can be in conflict.
CREATE TRIGGER media_files_conflicts AFTER UPDATE ON media_files
  REFERENCING OLD TABLE AS was NEW TABLE AS is_now
  FOR EACH STATEMENT EXECUTE FUNCTION close_conflicts();
CREATE TRIGGER media_files_ended_conflicts AFTER DELETE ON media_files
  REFERENCING OLD TABLE AS was
  FOR EACH STATEMENT EXECUTE FUNCTION close_conflicts();
CREATE TRIGGER verse_texts_conflicts AFTER UPDATE ON verse_texts
  REFERENCING OLD TABLE AS was NEW TABLE AS is_now
  FOR EACH STATEMENT EXECUTE FUNCTION close_conflicts();
CREATE TRIGGER verse_texts_ended_conflicts AFTER DELETE ON verse_texts
  REFERENCING OLD TABLE AS was
  FOR EACH STATEMENT EXECUTE FUNCTION close_conflicts();
