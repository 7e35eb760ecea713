/**
 * Log lines and events of a worker's operations, on their way to the walks: gathered, sent together, sent again until they have
 * arrived. Lines beyond a bound are dropped and counted, so that an outage does not cost all memory.
 */
import type { Dispatcher, Hold, Said, Telling } from './dispatcher.js';

const GATHER_MS = 50;
const AGAIN_MS = 1000;
const FULL_MS = 500;
/** Of one message to the dispatcher. */
const MOST = 500;
const MOST_CHARACTERS = 1024 * 1024;
/** Characters that wait at most, over all operations. */
const UNSENT = 32 * 1024 * 1024;
/** What a line costs beside its text. */
const LINE_COST = 200;

interface Speaker {
  readonly hold: Hold;
  number: number;
  dropped: number;
  waiting: Said[];
  gone: boolean;
}

export class Speech {
  readonly #dispatcher: Pick<Dispatcher, 'tell'>;
  readonly #trouble: (error: unknown) => void;
  readonly #lost: (operation: number) => void;
  readonly #speakers = new Map<number, Speaker>();
  #unsent = 0;
  #sending: Promise<void> | null = null;
  #timer: NodeJS.Timeout | undefined;

  /** `lost`: told of an operation that is no longer held. */
  constructor(
    dispatcher: Pick<Dispatcher, 'tell'>,
    { lost, trouble }: { lost(operation: number): void; trouble(error: unknown): void },
  ) {
    this.#dispatcher = dispatcher;
    this.#lost = lost;
    this.#trouble = trouble;
  }

  begin(hold: Hold): void {
    this.#speakers.set(hold.operation, { hold, number: 0, dropped: 0, waiting: [], gone: false });
  }

  /** The number of the operation's next message. */
  count({ operation }: Hold): number {
    const speaker = this.#speakers.get(operation);
    if (speaker === undefined) return 1;
    speaker.number += 1;
    return speaker.number;
  }

  say({ operation }: Hold, telling: Telling): void {
    const speaker = this.#speakers.get(operation);
    if (speaker === undefined || speaker.gone) return;
    if (this.#unsent >= UNSENT) {
      speaker.dropped += 1;
      return;
    }
    this.#push(speaker, telling);
    this.#timer ??= setTimeout(() => void this.flush(), GATHER_MS);
  }

  /** Resolves when everything said so far has arrived, or has been given up with its operation. */
  async flush(): Promise<void> {
    const due = [...this.#speakers.values()].map((speaker) => [speaker, speaker.number] as const);
    const late = () => due.some(([speaker, upTo]) => (speaker.waiting[0]?.number ?? Infinity) <= upTo);
    while (late()) {
      this.#sending ??= this.#send().finally(() => {
        this.#sending = null;
      });
      await this.#sending;
    }
  }

  /** What the operation has said and nobody has heard yet; it says nothing more. */
  async end(hold: Hold): Promise<readonly Said[]> {
    const speaker = this.#speakers.get(hold.operation);
    if (speaker === undefined) return [];
    if (speaker.dropped > 0) {
      const message = `${speaker.dropped} log lines were not kept: they could not be delivered in time`;
      this.#push(speaker, { kind: 'log', level: 'warning', message });
    }
    while (speaker.waiting.length > MOST / 2) {
      await this.flush();
    }
    const rest = speaker.waiting;
    this.#forget(speaker);
    return rest;
  }

  /** Nothing that the operation says is heard any more. */
  drop(operation: number): void {
    const speaker = this.#speakers.get(operation);
    if (speaker !== undefined) this.#forget(speaker);
  }

  #push(speaker: Speaker, telling: Telling): void {
    speaker.number += 1;
    speaker.waiting.push({ ...speaker.hold, number: speaker.number, telling });
    this.#unsent += costOf(telling);
  }

  #forget(speaker: Speaker): void {
    for (const { telling } of speaker.waiting) this.#unsent -= costOf(telling);
    speaker.waiting = [];
    speaker.gone = true;
    this.#speakers.delete(speaker.hold.operation);
  }

  async #send(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const batch: Said[] = [];
    let size = 0;
    for (const { waiting } of this.#speakers.values()) {
      for (const said of waiting) {
        if (batch.length === MOST || size > MOST_CHARACTERS) break;
        batch.push(said);
        size += costOf(said.telling);
      }
    }
    if (batch.length === 0) return;
    try {
      const { lost, full } = await this.#dispatcher.tell(batch);
      for (const operation of lost) {
        this.drop(operation);
        this.#lost(operation);
      }
      const waits = new Set(full);
      for (const said of batch) this.#heard(said, waits);
      if (waits.size > 0) await pause(FULL_MS);
    } catch (error) {
      this.#trouble(error);
      await pause(AGAIN_MS);
    }
  }

  #heard(said: Said, full: ReadonlySet<number>): void {
    const speaker = this.#speakers.get(said.operation);
    if (speaker === undefined || full.has(said.operation)) return;
    const at = speaker.waiting.indexOf(said);
    if (at < 0) return;
    speaker.waiting.splice(at, 1);
    this.#unsent -= costOf(said.telling);
  }
}

function costOf(telling: Telling): number {
  return telling.message.length + LINE_COST;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
