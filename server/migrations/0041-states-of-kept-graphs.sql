-- What outside workflow code says of a graph that it keeps here, in its own words.
alter table task_graphs add column state text check (length(state) <= 256);
