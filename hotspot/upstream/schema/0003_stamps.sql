-- Every state of a record has a name, and a stamp that moves when its content does.

CREATE FUNCTION change_source() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT coalesce(nullif(current_setting('hotspot.change_source', true), ''), 'api')
$$;

-- An instant as messages carry it.
CREATE FUNCTION canonical(moment timestamptz) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;

-- One column's part of the text that is hashed, by the column's type.
CREATE FUNCTION hashed(value text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT coalesce(length(value) || ':' || value, '-')
$$;
CREATE FUNCTION hashed(value uuid) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT coalesce('36:' || value::text, '-')
$$;
-- Adding 0.0 makes one number of 0.0 and -0.0.
CREATE FUNCTION hashed(value double precision) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT coalesce('16:' || encode(float8send(value + 0.0), 'hex'), '-')
$$;
CREATE FUNCTION hashed(value bigint) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT coalesce(length(value::text) || ':' || value, '-')
$$;
CREATE FUNCTION hashed(value boolean) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE value WHEN true THEN '1:t' WHEN false THEN '1:f' ELSE '-' END
$$;
CREATE FUNCTION hashed(value timestamptz) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT coalesce('24:' || canonical(value), '-')
$$;
CREATE FUNCTION hash_of(parts text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT encode(substr(sha256(convert_to(parts, 'UTF8')), 1, 8), 'hex')
$$;

-- The stamp of a row: its own, except that plain SQL which changes the content and leaves the stamp
-- gets a later one. An upload's stamp is never touched.
CREATE FUNCTION stamped(given timestamptz, earlier timestamptz, changed boolean)
RETURNS timestamptz LANGUAGE sql VOLATILE AS $$
  SELECT CASE
    WHEN changed AND coalesce(given, earlier) IS NOT DISTINCT FROM earlier
      AND (given IS NULL OR change_source() <> 'sync')
    THEN greatest(
      date_trunc('milliseconds', clock_timestamp()), earlier + interval '1 millisecond')
    ELSE coalesce(given, earlier)
  END
$$;

CREATE FUNCTION stamp_audio_versions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.content_hash := hash_of(
    hashed(NEW.language_entity_id) ||
    hashed(NEW.bible_version_id) ||
    hashed(NEW.project_id) ||
    hashed(NEW.name) ||
    hashed(NEW.deleted_at));
  NEW.updated_at := stamped(
    NEW.updated_at, OLD.updated_at, NEW.content_hash IS DISTINCT FROM OLD.content_hash);
  RETURN NEW;
END;
$$;
CREATE TRIGGER audio_versions_stamp BEFORE INSERT OR UPDATE ON audio_versions
  FOR EACH ROW EXECUTE FUNCTION stamp_audio_versions();

CREATE FUNCTION stamp_text_versions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.content_hash := hash_of(
    hashed(NEW.language_entity_id) ||
    hashed(NEW.bible_version_id) ||
    hashed(NEW.project_id) ||
    hashed(NEW.name) ||
    hashed(NEW.text_version_source) ||
    hashed(NEW.deleted_at));
  NEW.updated_at := stamped(
    NEW.updated_at, OLD.updated_at, NEW.content_hash IS DISTINCT FROM OLD.content_hash);
  RETURN NEW;
END;
$$;
CREATE TRIGGER text_versions_stamp BEFORE INSERT OR UPDATE ON text_versions
  FOR EACH ROW EXECUTE FUNCTION stamp_text_versions();

CREATE FUNCTION stamp_media_files() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.content_hash := hash_of(
    hashed(NEW.language_entity_id) ||
    hashed(NEW.audio_version_id) ||
    hashed(NEW.chapter_id) ||
    hashed(NEW.media_type) ||
    hashed(NEW.object_key) ||
    hashed(NEW.storage_provider) ||
    hashed(NEW.remote_path) ||
    hashed(NEW.original_filename) ||
    hashed(NEW.file_type) ||
    hashed(NEW.file_size) ||
    hashed(NEW.duration_seconds) ||
    hashed(NEW.is_bible_audio) ||
    hashed(NEW.upload_status) ||
    hashed(NEW.publish_status) ||
    hashed(NEW.check_status) ||
    hashed(NEW.version) ||
    hashed(NEW.start_verse_id) ||
    hashed(NEW.end_verse_id) ||
    hashed(NEW.deleted_at));
  NEW.updated_at := stamped(
    NEW.updated_at, OLD.updated_at, NEW.content_hash IS DISTINCT FROM OLD.content_hash);
  RETURN NEW;
END;
$$;
CREATE TRIGGER media_files_stamp BEFORE INSERT OR UPDATE ON media_files
  FOR EACH ROW EXECUTE FUNCTION stamp_media_files();

CREATE FUNCTION stamp_media_files_verses() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.content_hash := hash_of(
    hashed(NEW.media_file_id) ||
    hashed(NEW.verse_id) ||
    hashed(NEW.start_time_seconds) ||
    hashed(NEW.duration_seconds) ||
    hashed(NEW.verse_text_id) ||
    hashed(NEW.denormalized_audio_version_id) ||
    hashed(NEW.deleted_at));
  NEW.updated_at := stamped(
    NEW.updated_at, OLD.updated_at, NEW.content_hash IS DISTINCT FROM OLD.content_hash);
  RETURN NEW;
END;
$$;
CREATE TRIGGER media_files_verses_stamp BEFORE INSERT OR UPDATE ON media_files_verses
  FOR EACH ROW EXECUTE FUNCTION stamp_media_files_verses();

CREATE FUNCTION stamp_verse_texts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.content_hash := hash_of(
    hashed(NEW.verse_id) ||
    hashed(NEW.text_version_id) ||
    hashed(NEW.verse_text) ||
    hashed(NEW.version) ||
    hashed(NEW.publish_status) ||
    hashed(NEW.deleted_at));
  NEW.updated_at := stamped(
    NEW.updated_at, OLD.updated_at, NEW.content_hash IS DISTINCT FROM OLD.content_hash);
  RETURN NEW;
END;
$$;
CREATE TRIGGER verse_texts_stamp BEFORE INSERT OR UPDATE ON verse_texts
  FOR EACH ROW EXECUTE FUNCTION stamp_verse_texts();
