-- Who chose what becomes of an interrupted operation: it goes on as theirs.
alter table operations add column chosen_by text not null default '';
