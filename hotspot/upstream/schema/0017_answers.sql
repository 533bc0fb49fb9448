-- Answers in the order in which they were given: several may be given in one millisecond.
ALTER TABLE answered_batches ADD COLUMN number bigint GENERATED ALWAYS AS IDENTITY;
CREATE INDEX answered_batches_newest ON answered_batches (device_id, number DESC);
