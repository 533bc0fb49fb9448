-- Change tracking as the specification has it: what a database may have before ours comes.

-- Change log for tracking all modifications
CREATE TABLE change_log (
  id UUID PRIMARY KEY DEFAULT GEN_RANDOM_UUID(),
  table_name TEXT NOT NULL,
  record_id UUID NOT NULL,
  operation TEXT NOT NULL,              -- 'INSERT', 'UPDATE', 'DELETE'
  old_data JSONB,                       -- Previous record state
  new_data JSONB,                       -- New record state
  changed_by UUID REFERENCES public.users(id) ON DELETE SET NULL,
  changed_at TIMESTAMP WITH TIME ZONE DEFAULT NOW(),
  change_source TEXT DEFAULT 'api'     -- 'api', 'migration', 'sync', 'import'
);

-- Package generation tracking
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

-- Sync session tracking
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

-- Function to log changes
CREATE OR REPLACE FUNCTION log_table_changes()
RETURNS TRIGGER AS $$
BEGIN
  -- Only log changes to main content tables
  IF TG_TABLE_NAME IN ('audio_versions', 'text_versions', 'media_files', 'verse_texts', 'media_files_verses') THEN

    IF TG_OP = 'DELETE' THEN
      INSERT INTO change_log (table_name, record_id, operation, old_data, changed_by, change_source)
      VALUES (TG_TABLE_NAME, OLD.id, TG_OP, to_jsonb(OLD), OLD.updated_by, 'api');
      RETURN OLD;

    ELSIF TG_OP = 'UPDATE' THEN
      -- Only log if there are actual changes
      IF OLD IS DISTINCT FROM NEW THEN
        INSERT INTO change_log (table_name, record_id, operation, old_data, new_data, changed_by, change_source)
        VALUES (TG_TABLE_NAME, NEW.id, TG_OP, to_jsonb(OLD), to_jsonb(NEW), NEW.updated_by, 'api');
      END IF;
      RETURN NEW;

    ELSIF TG_OP = 'INSERT' THEN
      INSERT INTO change_log (table_name, record_id, operation, new_data, changed_by, change_source)
      VALUES (TG_TABLE_NAME, NEW.id, TG_OP, to_jsonb(NEW), NEW.created_by, 'api');
      RETURN NEW;
    END IF;
  END IF;

  RETURN NULL;
END;
$$ LANGUAGE plpgsql;

-- Create triggers for all main tables
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

-- Create view for sync analytics
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
