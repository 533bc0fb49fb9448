-- signed_by: the name of the trusted key that signed the file, if one did.
ALTER TABLE package_files ADD COLUMN signed_by TEXT;

-- damaged: what lies there is not that audio, and is not served.
ALTER TABLE package_audio ADD COLUMN damaged INTEGER NOT NULL DEFAULT 0;

-- damaged: wanted only because it is damaged in a package, and until a sound copy of that is here.
ALTER TABLE wanted_audio ADD COLUMN damaged INTEGER NOT NULL DEFAULT 0;
