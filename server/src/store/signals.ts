/**
 * Hints between processes: "there is work", "look at this execution".
 *
 * Never inside a business transaction: PostgreSQL holds a cluster-wide lock from the pre-commit of a transaction that
 * notifies until after its flush, which cuts commits to a tenth (17,000 to 1,200 a second, measured). Hints of ten
 * milliseconds are sent together, on a connection of their own that does not wait for the disk; one that somebody waits
 * for is sent at once, with all that have gathered, as soon as those before it are on the other side. A lost hint is harmless: whoever listens
 * also polls.
 */
import pg from 'pg';
import type { Client } from './pool.js';

const CHANNEL = 'orrery';
const GATHER_MS = 10;
const RECONNECT_MS = 1000;
/** PostgreSQL refuses payloads of 8000 bytes. */
const PAYLOAD = 7000;
const LONGEST_HINT = 500;

export type Listener = (hints: readonly string[]) => void;

/**
 * For the rare hint that must not be lost: told when the transaction of `client` commits, to every process, its own too,
 * at the price above.
 */
export async function signalWithCommit(client: Client, hint: string): Promise<void> {
  await client.query('select pg_notify($1, $2)', [CHANNEL, `-\n${hint}`]);
}

/** Told by a process to itself when it hears again after a while in which it may have missed something. */
export const HEARS_AGAIN = 'hears-again';

/** Sends and receives hints. In-process listeners hear at once, others through the database. */
export class Signals {
  readonly #databaseUrl: string;
  readonly #listeners = new Set<Listener>();
  readonly #pending = new Set<string>();
  /** What will send what has gathered; null: nothing has. */
  #plan: { readonly isPrompt: boolean; callOff(): void } | null = null;
  #isSending = false;
  /** Somebody waits for what gathers while the last is on its way. */
  #isPrompt = false;
  #flushing: Promise<void> = Promise.resolve();
  #connecting: Promise<void> = Promise.resolve();
  #reconnect: NodeJS.Timeout | null = null;
  #sender: pg.Client | null = null;
  #receiver: pg.Client | null = null;
  #closed = false;
  /** When the notification that is on its way back to us was sent. */
  #sentAt: number | null = null;
  /** Milliseconds that the last notification needed to come back to the process that sent it; null: none has yet. */
  lagMs: number | null = null;
  /** It has listened before. */
  #heard = false;
  readonly #self = Math.random().toString(36).slice(2, 8);

  constructor(databaseUrl: string) {
    this.#databaseUrl = databaseUrl;
  }

  /** Begins to hear what other processes send; goes on trying through outages. */
  async listen(): Promise<void> {
    if (this.#closed || this.#receiver !== null) return;
    this.#connecting = this.#connectReceiver();
    await this.#connecting;
  }

  /** Calls `listener` with every hint, from now on; returns how to stop. */
  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Tells everybody, soon. */
  send(hint: string): void {
    this.#send(hint, false);
  }

  /** Tells everybody at once: for what somebody waits for. */
  sendAtOnce(hint: string): void {
    this.#send(hint, true);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#plan?.callOff();
    clearTimeout(this.#reconnect ?? undefined);
    // A client that is told to end while it connects never answers.
    await Promise.all([this.#flushing, this.#connecting]);
    await Promise.allSettled([this.#sender?.end(), this.#receiver?.end()]);
  }

  #send(hint: string, isPrompt: boolean): void {
    if (this.#closed) return;
    this.#tell([hint]);
    this.#pending.add(hint);
    this.#flushLater(isPrompt);
  }

  #tell(hints: readonly string[]): void {
    for (const listener of this.#listeners) listener(hints);
  }

  async #connectReceiver(): Promise<void> {
    const client = this.#client('orrery-listener');
    this.#receiver = client;
    client.on('notification', (message) => {
      const [from, ...hints] = (message.payload ?? '').split('\n');
      if (from !== this.#self) this.#tell(hints);
      else if (this.#sentAt !== null) {
        this.lagMs = performance.now() - this.#sentAt;
        this.#sentAt = null;
      }
    });
    // A connection that breaks may say so more than once.
    client.once('end', () => this.#lost(client));
    try {
      await client.connect();
      await client.query(`listen ${CHANNEL}`);
      if (this.#heard) this.#tell([HEARS_AGAIN]);
      this.#heard = true;
    } catch {
      this.#lost(client);
    }
  }

  #lost(client: pg.Client): void {
    if (this.#receiver !== client) return;
    this.#receiver = null;
    client.end().catch(() => {});
    if (this.#closed) return;
    this.#reconnect = setTimeout(() => void this.listen(), RECONNECT_MS).unref();
  }

  async #flush(): Promise<void> {
    const hints = [...this.#pending];
    this.#pending.clear();
    this.#isSending = true;
    this.#isPrompt = false;
    try {
      this.#sender ??= await this.#connectSender();
      for (let first = 0; first < hints.length; ) {
        let payload = this.#self;
        // One that is too long by itself is cut rather than waited for: it is only a hint.
        do payload += `\n${hints[first++]!.slice(0, LONGEST_HINT)}`;
        while (first < hints.length && payload.length + hints[first]!.length < PAYLOAD);
        this.#sentAt ??= performance.now();
        await this.#sender.query('select pg_notify($1, $2)', [CHANNEL, payload]);
      }
    } catch {
      // Lost hints are harmless; the next ones get a new connection.
      this.#sentAt = null;
      const broken = this.#sender;
      this.#sender = null;
      broken?.end().catch(() => {});
    } finally {
      this.#isSending = false;
      // What came meanwhile, on the same connection and after this.
      if (this.#pending.size > 0) this.#flushLater(this.#isPrompt);
    }
  }

  #flushLater(isPrompt: boolean): void {
    if (this.#closed) return;
    if (this.#isSending) {
      this.#isPrompt ||= isPrompt;
      return;
    }
    if (this.#plan !== null && (this.#plan.isPrompt || !isPrompt)) return;
    this.#plan?.callOff();
    const flush = () => {
      this.#plan = null;
      this.#flushing = this.#flush();
    };
    if (isPrompt) {
      const soon = setImmediate(flush);
      this.#plan = { isPrompt, callOff: () => clearImmediate(soon) };
    } else {
      const later = setTimeout(flush, GATHER_MS);
      this.#plan = { isPrompt, callOff: () => clearTimeout(later) };
    }
  }

  async #connectSender(): Promise<pg.Client> {
    const client = this.#client('orrery-notifier');
    client.once('end', () => {
      if (this.#sender === client) this.#sender = null;
    });
    try {
      await client.connect();
      await client.query('set synchronous_commit = off');
    } catch (error) {
      client.end().catch(() => {});
      throw error;
    }
    return client;
  }

  #client(name: string): pg.Client {
    const client = new pg.Client({
      connectionString: this.#databaseUrl,
      application_name: name,
      connectionTimeoutMillis: 10_000,
      keepAlive: true,
    });
    // Told again as the end of the connection; without a listener Node would end the process.
    client.on('error', () => {});
    return client;
  }
}
