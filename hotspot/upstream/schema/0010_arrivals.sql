-- When the version of a row that is current now came here, whatever its stamp says; rows that were
-- here before this was kept came, at the latest, now. And the orders in which apps page.

ALTER TABLE audio_versions ADD COLUMN arrived_at timestamptz(3) NOT NULL DEFAULT now();
ALTER TABLE text_versions ADD COLUMN arrived_at timestamptz(3) NOT NULL DEFAULT now();
ALTER TABLE media_files ADD COLUMN arrived_at timestamptz(3) NOT NULL DEFAULT now();
ALTER TABLE media_files_verses ADD COLUMN arrived_at timestamptz(3) NOT NULL DEFAULT now();
ALTER TABLE verse_texts ADD COLUMN arrived_at timestamptz(3) NOT NULL DEFAULT now();

CREATE OR REPLACE FUNCTION number_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.row_hash := row_hash_of(NEW.id, NEW.updated_at, NEW.content_hash);
  NEW.arrived_at := CASE WHEN NEW.row_hash = OLD.row_hash THEN OLD.arrived_at ELSE now() END;
  RETURN NEW;
END;
$$;

CREATE INDEX media_files_stamps ON media_files (audio_version_id, updated_at, id);
CREATE INDEX media_files_verses_stamps
  ON media_files_verses (denormalized_audio_version_id, updated_at, id);
CREATE INDEX verse_texts_stamps ON verse_texts (text_version_id, updated_at, id);
