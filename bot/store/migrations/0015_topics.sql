-- The text of Opsbell's that `ours` takes the place of: it still stands where the writing failed.
alter table maintenance_topics add column replaced text;
