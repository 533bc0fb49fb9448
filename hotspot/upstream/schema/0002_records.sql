-- The records that travel; their columns are those of the protocol's tables.

CREATE TABLE audio_versions (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  language_entity_id uuid NOT NULL,
  bible_version_id bounded_text,
  project_id uuid,
  name bounded_text NOT NULL,
  created_at instant DEFAULT now(),
  created_by uuid,
  updated_at instant NOT NULL,
  updated_by uuid,
  deleted_at instant,
  content_hash text NOT NULL
);

CREATE TABLE text_versions (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  language_entity_id uuid NOT NULL,
  bible_version_id bounded_text,
  project_id uuid,
  name bounded_text NOT NULL,
  text_version_source bounded_text,
  created_at instant DEFAULT now(),
  created_by uuid,
  updated_at instant NOT NULL,
  updated_by uuid,
  deleted_at instant,
  content_hash text NOT NULL
);

CREATE TABLE media_files (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  language_entity_id uuid NOT NULL,
  audio_version_id uuid,
  chapter_id bounded_text,
  media_type bounded_text,
  object_key bounded_text,
  storage_provider bounded_text,
  remote_path bounded_text,
  original_filename bounded_text,
  file_type bounded_text,
  file_size whole_number,
  duration_seconds real_number,
  is_bible_audio boolean,
  upload_status bounded_text,
  publish_status bounded_text,
  check_status bounded_text,
  version whole_number,
  start_verse_id bounded_text,
  end_verse_id bounded_text,
  created_at instant DEFAULT now(),
  created_by uuid,
  updated_at instant NOT NULL,
  updated_by uuid,
  deleted_at instant,
  content_hash text NOT NULL
);

CREATE TABLE media_files_verses (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  media_file_id uuid NOT NULL,
  verse_id bounded_text NOT NULL,
  start_time_seconds real_number NOT NULL,
  duration_seconds real_number,
  verse_text_id uuid,
  denormalized_audio_version_id uuid,
  created_at instant DEFAULT now(),
  created_by uuid,
  updated_at instant NOT NULL,
  updated_by uuid,
  deleted_at instant,
  content_hash text NOT NULL
);

CREATE TABLE verse_texts (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  verse_id bounded_text NOT NULL,
  text_version_id uuid NOT NULL,
  verse_text bounded_text NOT NULL,
  version whole_number,
  publish_status bounded_text,
  created_at instant DEFAULT now(),
  created_by uuid,
  updated_at instant NOT NULL,
  updated_by uuid,
  deleted_at instant,
  content_hash text NOT NULL
);

-- What the records refer to: languages, regions, and how Bibles are divided.

CREATE TABLE language_entities (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  name bounded_text NOT NULL,
  iso_639_1 bounded_text,
  iso_639_3 bounded_text,
  region_id bounded_text,
  created_at instant DEFAULT now(),
  created_by uuid,
  updated_at instant NOT NULL DEFAULT now(),
  updated_by uuid,
  deleted_at instant
);

CREATE TABLE regions (
  id text PRIMARY KEY,
  name bounded_text NOT NULL,
  iso_3166_alpha2 bounded_text,
  iso_3166_alpha3 bounded_text,
  created_at instant DEFAULT now(),
  created_by uuid,
  updated_at instant NOT NULL DEFAULT now(),
  updated_by uuid,
  deleted_at instant
);

CREATE TABLE bible_versions (
  id text PRIMARY KEY,
  name bounded_text NOT NULL,
  structure_notes bounded_text,
  created_at instant DEFAULT now(),
  created_by uuid,
  updated_at instant NOT NULL DEFAULT now(),
  updated_by uuid,
  deleted_at instant
);

CREATE TABLE books (
  id text PRIMARY KEY,
  name bounded_text NOT NULL,
  book_number whole_number NOT NULL,
  bible_version_id bounded_text,
  testament bounded_text,
  created_at instant DEFAULT now(),
  created_by uuid,
  updated_at instant NOT NULL DEFAULT now(),
  updated_by uuid,
  deleted_at instant
);

CREATE TABLE chapters (
  id text PRIMARY KEY,
  chapter_number whole_number NOT NULL,
  book_id bounded_text NOT NULL,
  total_verses whole_number,
  created_at instant DEFAULT now(),
  created_by uuid,
  updated_at instant NOT NULL DEFAULT now(),
  updated_by uuid,
  deleted_at instant
);

CREATE TABLE verses (
  id text PRIMARY KEY,
  chapter_id bounded_text NOT NULL,
  verse_number whole_number NOT NULL,
  created_at instant DEFAULT now(),
  created_by uuid,
  updated_at instant NOT NULL DEFAULT now(),
  updated_by uuid,
  deleted_at instant
);

CREATE TABLE tags (
  id text PRIMARY KEY,
  key bounded_text,
  name bounded_text,
  created_at instant DEFAULT now(),
  created_by uuid,
  updated_at instant NOT NULL DEFAULT now(),
  updated_by uuid,
  deleted_at instant
);

CREATE TABLE media_files_tags (
  id text PRIMARY KEY,
  media_file_id uuid NOT NULL,
  tag_id bounded_text NOT NULL,
  created_at instant DEFAULT now(),
  created_by uuid,
  updated_at instant NOT NULL DEFAULT now(),
  updated_by uuid,
  deleted_at instant
);
