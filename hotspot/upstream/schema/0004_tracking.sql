-- What changed, who synced, and which packages were built.

CREATE TABLE change_log (
  id UUID PRIMARY KEY DEFAULT GEN_RANDOM_UUID(),
  table_name TEXT NOT NULL,
  record_id UUID NOT NULL,
  operation TEXT NOT NULL,              -- 'INSERT', 'UPDATE', 'DELETE'
  old_data JSONB,
  new_data JSONB,
  changed_by UUID REFERENCES public.users(id) ON DELETE SET NULL,
  changed_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
  change_source TEXT DEFAULT 'api',     -- 'api', 'migration', 'sync', 'import'
  -- The version that the record belongs to, and the place in the order in which readers may follow:
  -- neither times nor serial numbers are in the order in which transactions commit.
  scope TEXT,
  xid XID8 NOT NULL DEFAULT pg_current_xact_id(),
  seq BIGINT NOT NULL GENERATED ALWAYS AS IDENTITY
);
CREATE INDEX change_log_feed ON change_log (scope, xid, seq);

CREATE TABLE package_generations (
  id UUID PRIMARY KEY DEFAULT GEN_RANDOM_UUID(),
  package_id TEXT NOT NULL,
  package_type TEXT NOT NULL,
  audio_version_id UUID REFERENCES audio_versions(id) ON DELETE CASCADE,
  text_version_id UUID REFERENCES text_versions(id) ON DELETE CASCADE,
  language_entity_id UUID REFERENCES language_entities(id) ON DELETE CASCADE NOT NULL,
  generated_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
  generated_by UUID REFERENCES public.users(id) ON DELETE SET NULL,
  file_size_bytes BIGINT,
  generation_time_seconds INTEGER,
  cache_hit BOOLEAN DEFAULT FALSE
);

CREATE TABLE sync_sessions (
  id UUID PRIMARY KEY DEFAULT GEN_RANDOM_UUID(),
  user_id UUID REFERENCES public.users(id) ON DELETE CASCADE NOT NULL,
  device_id TEXT,
  package_id TEXT,
  started_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
  completed_at TIMESTAMP WITH TIME ZONE,
  status TEXT DEFAULT 'active',         -- 'active', 'completed', 'failed'
  changes_downloaded INTEGER DEFAULT 0,
  changes_uploaded INTEGER DEFAULT 0,
  error_message TEXT
);

CREATE VIEW sync_analytics AS
SELECT
  DATE(started_at) as sync_date,
  COUNT(*) as total_syncs,
  AVG(changes_downloaded + changes_uploaded) as avg_changes,
  SUM(CASE WHEN status = 'completed' THEN 1 ELSE 0 END) as successful_syncs,
  SUM(CASE WHEN status = 'failed' THEN 1 ELSE 0 END) as failed_syncs,
  AVG(EXTRACT(EPOCH FROM (completed_at - started_at))) as avg_duration_seconds
FROM sync_sessions
GROUP BY DATE(started_at)
ORDER BY sync_date DESC;

-- The version that a record belongs to.
CREATE FUNCTION scope_of(table_name text, data jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT data ->> CASE table_name
    WHEN 'media_files' THEN 'audio_version_id'
    WHEN 'media_files_verses' THEN 'denormalized_audio_version_id'
    WHEN 'verse_texts' THEN 'text_version_id'
    ELSE 'id'
  END
$$;

CREATE FUNCTION log_table_changes() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  was jsonb := to_jsonb(OLD);
  is_now jsonb := to_jsonb(NEW);
  old_scope text := scope_of(TG_TABLE_NAME, was);
  new_scope text := scope_of(TG_TABLE_NAME, is_now);
  author uuid;
BEGIN
  IF TG_OP = 'UPDATE' AND OLD IS NOT DISTINCT FROM NEW THEN
    RETURN NULL;
  END IF;
  author := CASE TG_OP
    WHEN 'INSERT' THEN coalesce(NEW.created_by, NEW.updated_by)
    WHEN 'UPDATE' THEN NEW.updated_by
    ELSE OLD.updated_by
  END;
  INSERT INTO change_log
    (table_name, record_id, operation, old_data, new_data, changed_by, change_source, scope)
  VALUES (
    TG_TABLE_NAME, coalesce(NEW.id, OLD.id), TG_OP, was, is_now, author, change_source(),
    coalesce(new_scope, old_scope));
  -- Who follows the version that a record leaves has to hear of it too.
  IF old_scope <> new_scope THEN
    INSERT INTO change_log
      (table_name, record_id, operation, old_data, new_data, changed_by, change_source, scope)
    VALUES (TG_TABLE_NAME, NEW.id, TG_OP, was, is_now, author, change_source(), old_scope);
  END IF;
  RETURN NULL;
END;
$$;

CREATE TRIGGER audio_versions_change_log
  AFTER INSERT OR UPDATE OR DELETE ON audio_versions
  FOR EACH ROW EXECUTE FUNCTION log_table_changes();

CREATE TRIGGER text_versions_change_log
  AFTER INSERT OR UPDATE OR DELETE ON text_versions
  FOR EACH ROW EXECUTE FUNCTION log_table_changes();

CREATE TRIGGER media_files_change_log
  AFTER INSERT OR UPDATE OR DELETE ON media_files
  FOR EACH ROW EXECUTE FUNCTION log_table_changes();

CREATE TRIGGER verse_texts_change_log
  AFTER INSERT OR UPDATE OR DELETE ON verse_texts
  FOR EACH ROW EXECUTE FUNCTION log_table_changes();

CREATE TRIGGER media_files_verses_change_log
  AFTER INSERT OR UPDATE OR DELETE ON media_files_verses
  FOR EACH ROW EXECUTE FUNCTION log_table_changes();
