/**
 * Spans of OpenTelemetry, as far as rooms know of them: who asked for something, and what was done for it.
 *
 * Nothing is traced until `tracing.ts` has set it up. An execution outlives the request that asked for it, and the process: so
 * the place of the request in its trace is kept with the execution (W3C `traceparent`), and whoever carries it out goes on
 * from there. A span is told when it ends: what was running when a process was killed has none, and the next attempt has.
 */
import {
  type Attributes,
  type Context,
  isSpanContextValid,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';

const FORM = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

let isOn = false;

/** Said once by whoever sets it up. */
export function tracingIs(on: boolean): void {
  isOn = on;
}

export function isTracing(): boolean {
  return isOn;
}

/** The place of the request that is being answered, as `traceparent`; null: nothing is traced. */
export function currentTrace(): string | null {
  const span = isOn ? trace.getActiveSpan() : undefined;
  return span === undefined ? null : traceparentOf(span.spanContext());
}

/** Something that takes its time. Ends once; what is said after that is lost. */
export class Traced {
  readonly #span: Span;

  constructor(span: Span) {
    this.#span = span;
  }

  /** For whoever does a part of it: `TRACEPARENT` of a process, header of a request. */
  get traceparent(): string | null {
    return traceparentOf(this.#span.spanContext());
  }

  /** A part of it that begins now. */
  part(name: string, attributes: Attributes): Traced {
    return new Traced(startSpan(name, attributes, trace.setSpan(ROOT_CONTEXT, this.#span)));
  }

  /** @param trouble why it failed; absent: it did not */
  end(attributes: Attributes, trouble?: string): void {
    this.#span.setAttributes(attributes);
    if (trouble !== undefined) this.#span.setStatus({ code: SpanStatusCode.ERROR, message: trouble });
    this.#span.end();
  }
}

/** What begins now, below `parent` (a `traceparent`), or as a trace of its own. Null: nothing is traced. */
export function traceFrom(parent: string | null, name: string, attributes: Attributes): Traced | null {
  return isOn ? new Traced(startSpan(name, attributes, contextOf(parent))) : null;
}

/** What a `traceparent` says, as a context of OpenTelemetry; anything else: the empty one. */
export function contextOf(traceparent: unknown): Context {
  const parts = typeof traceparent === 'string' ? FORM.exec(traceparent) : null;
  if (parts === null) return ROOT_CONTEXT;
  const [, traceId, spanId, flags] = parts;
  const span = {
    traceId: traceId!,
    spanId: spanId!,
    traceFlags: Number.parseInt(flags!, 16),
    isRemote: true,
  };
  return isSpanContextValid(span) ? trace.setSpanContext(ROOT_CONTEXT, span) : ROOT_CONTEXT;
}

function startSpan(name: string, attributes: Attributes, parent: Context): Span {
  return trace.getTracer('orrery').startSpan(name, { attributes }, parent);
}

function traceparentOf(span: SpanContext): string | null {
  if (!isSpanContextValid(span)) return null;
  return `00-${span.traceId}-${span.spanId}-${span.traceFlags.toString(16).padStart(2, '0')}`;
}
