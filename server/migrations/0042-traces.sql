-- Where an execution stands in a distributed trace: the span that asked for it, as W3C writes it (traceparent). Null: nobody traces.
alter table executions add column trace text check (length(trace) <= 64);
