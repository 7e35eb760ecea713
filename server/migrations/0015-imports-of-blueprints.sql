-- Which blueprints a blueprint's source imports, by id: asked the other way round whenever one is deleted.
alter table blueprints add column imports text[] not null default '{}';
update blueprints set imports = array(select json_array_elements_text(requirements -> 'blueprints'))
  where json_typeof(requirements -> 'blueprints') = 'array';
create index blueprints_imports on blueprints using gin (imports) where imports <> '{}';
