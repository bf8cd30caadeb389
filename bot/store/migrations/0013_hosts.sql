-- The machine at whose terminal an operation was asked for; "" for all others.
alter table operations add column host text not null default '';
