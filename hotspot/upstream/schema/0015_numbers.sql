-- A row of an upload that comes with a new number also comes with its stamp and hash, which the
-- program has at hand: finding them again, in PL/pgSQL, takes longer than writing the row.

CREATE FUNCTION by_upload() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT current_setting('hotspot.change_source', true) IS NOT DISTINCT FROM 'sync'
$$;

DO $$
DECLARE
  named text;
BEGIN
  FOREACH named IN ARRAY ARRAY[
    'audio_versions', 'text_versions', 'media_files', 'media_files_verses', 'verse_texts'
  ] LOOP
    EXECUTE format('DROP TRIGGER %I ON %I', named || '_stamp', named);
    EXECUTE format('DROP TRIGGER %I ON %I', named || '_stamp_number', named);
    EXECUTE format(
      'CREATE TRIGGER %I BEFORE INSERT ON %I FOR EACH ROW'
      ' WHEN (NEW.row_hash IS NULL OR NOT by_upload()) EXECUTE FUNCTION %I()',
      named || '_stamp', named, 'stamp_' || named);
    EXECUTE format(
      'CREATE TRIGGER %I BEFORE INSERT ON %I FOR EACH ROW'
      ' WHEN (NEW.row_hash IS NULL OR NOT by_upload()) EXECUTE FUNCTION number_row()',
      named || '_stamp_number', named);
    EXECUTE format(
      'CREATE TRIGGER %I BEFORE UPDATE ON %I FOR EACH ROW'
      ' WHEN (NEW.row_hash IS NOT DISTINCT FROM OLD.row_hash OR NOT by_upload())'
      ' EXECUTE FUNCTION %I()',
      named || '_stamp_anew', named, 'stamp_' || named);
    EXECUTE format(
      'CREATE TRIGGER %I BEFORE UPDATE ON %I FOR EACH ROW'
      ' WHEN (NEW.row_hash IS NOT DISTINCT FROM OLD.row_hash OR NOT by_upload())'
      ' EXECUTE FUNCTION number_row()',
      named || '_stamp_anew_number', named);
  END LOOP;
END;
$$;
