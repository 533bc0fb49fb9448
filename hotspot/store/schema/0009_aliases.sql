-- Ids that name other records: of two rows with one natural key, one id survived.
-- An alias is never the id of a live row; a deleted row may stand under it, for the feed.
CREATE TABLE record_aliases (
  table_name TEXT NOT NULL,
  alias_id TEXT NOT NULL,
  canonical_id TEXT NOT NULL,
  PRIMARY KEY (table_name, alias_id)
) WITHOUT ROWID;

CREATE INDEX idx_record_aliases_canonical ON record_aliases(table_name, canonical_id);

-- Deleted rows have let their natural keys go.
CREATE INDEX idx_media_files_verses_deleted
  ON media_files_verses(id) WHERE deleted_at IS NOT NULL;
CREATE INDEX idx_verse_texts_deleted ON verse_texts(id) WHERE deleted_at IS NOT NULL;

CREATE INDEX idx_media_files_verses_text
  ON media_files_verses(verse_text_id) WHERE verse_text_id IS NOT NULL;
