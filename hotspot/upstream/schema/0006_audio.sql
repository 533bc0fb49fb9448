-- Where the audio of loaded packages lies: `size` bytes at `file_offset` of a file in packages/.
CREATE TABLE package_audio (
  media_file_id UUID PRIMARY KEY,
  file_name TEXT NOT NULL,
  file_offset BIGINT NOT NULL,
  size BIGINT NOT NULL,
  sha256 TEXT NOT NULL,
  audio_format TEXT NOT NULL,
  original_name TEXT NOT NULL,
  loaded_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
