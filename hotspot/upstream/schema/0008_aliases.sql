-- Of two live rows with one natural key one id survives, and the other names it.

CREATE TABLE record_aliases (
  table_name text,
  alias_id uuid,
  canonical_id uuid NOT NULL,
  PRIMARY KEY (table_name, alias_id)
);
CREATE INDEX record_aliases_canonical ON record_aliases (table_name, canonical_id);
CREATE INDEX media_files_verses_text ON media_files_verses (verse_text_id);

-- Of what is twice already, the later row stays; the text of the other stays in its deleted row.
INSERT INTO record_aliases
SELECT 'verse_texts', id, canonical_id FROM (
  SELECT id, first_value(id) OVER (
    PARTITION BY verse_id, text_version_id ORDER BY updated_at DESC, id) AS canonical_id
  FROM verse_texts WHERE deleted_at IS NULL) t
WHERE id <> canonical_id;
INSERT INTO record_aliases
SELECT 'media_files_verses', id, canonical_id FROM (
  SELECT id, first_value(id) OVER (
    PARTITION BY media_file_id, verse_id ORDER BY updated_at DESC, id) AS canonical_id
  FROM media_files_verses WHERE deleted_at IS NULL) t
WHERE id <> canonical_id;

UPDATE verse_texts SET deleted_at = clock_timestamp() WHERE id IN (
  SELECT alias_id FROM record_aliases WHERE table_name = 'verse_texts');
UPDATE media_files_verses SET deleted_at = clock_timestamp() WHERE id IN (
  SELECT alias_id FROM record_aliases WHERE table_name = 'media_files_verses');
UPDATE media_files_verses t SET verse_text_id = a.canonical_id FROM record_aliases a
WHERE a.table_name = 'verse_texts' AND a.alias_id = t.verse_text_id;

CREATE UNIQUE INDEX verse_texts_natural
  ON verse_texts (verse_id, text_version_id) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX media_files_verses_natural
  ON media_files_verses (media_file_id, verse_id) WHERE deleted_at IS NULL;
