/**
 * Remembers when something was last used, without a write in the path of requests: at most one write per thing and
 * minute, many things in one statement, a second late. A crash may lose the last second, which harms nobody.
 */
const MINUTE = 60_000;

export class LastUse<Id> {
  readonly #write: (ids: readonly Id[], times: readonly Date[]) => Promise<unknown>;
  #noted = new Map<Id, Date>();
  #timer: NodeJS.Timeout | undefined;
  /** The write that is under way. */
  #writing: Promise<unknown> = Promise.resolve();

  constructor(write: (ids: readonly Id[], times: readonly Date[]) => Promise<unknown>) {
    this.#write = write;
  }

  /** @param previously what is written already, in milliseconds since 1970 */
  note(id: Id, previously: number | null, now: number): void {
    if (previously !== null && now - previously < MINUTE) return;
    this.#noted.set(id, new Date(now));
    this.#timer ??= setTimeout(() => {
      // Nobody waits for this; if the database is away, whoever needs it hears so in their own request.
      this.flush().catch(() => {});
    }, 1000).unref();
  }

  /** Writes what is noted, now, and waits for a write that is under way. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#noted.size === 0) {
      await this.#writing.catch(() => {});
      return;
    }
    const noted = this.#noted;
    this.#noted = new Map();
    const before = this.#writing.catch(() => {});
    this.#writing = Promise.all([before, this.#write([...noted.keys()], [...noted.values()])]);
    await this.#writing;
  }
}
