/**
 * Whole pages, remembered for as long as nobody has written anything.
 *
 * PostgreSQL tells which transactions' work a question sees: all up to a number but those under way (`pg_current_snapshot`). Whatever
 * is committed makes it tell something else, so two questions that it tells the same of see the same rows. One small question, shared by
 * all who wait for it, therefore says whether a page that was read before is what would be read now. Once somebody has
 * written, a page is put together of remembered items (remembered-items.ts), and remembered anew.
 *
 * What always holds: a page is handed out only to who asked, and then was told the very moment that the page was read in; so they get what
 * was so when, or after, they asked, through whichever process it was changed. It must depend on rows alone, not on the time.
 *
 * Rejected: the moment from the statement that signs the caller in (a request that writes and then reads would be told what was so
 * before), and one statement that answers nothing when nothing has changed (setting up a plan of ten joins takes longer than the question).
 */
import { SharedQuestions } from './shared-questions.js';
import { type Queryable, systemStatement } from './statement.js';

/** SQL text of what the statement around it sees. */
export const MOMENT = 'pg_current_snapshot()::text';

const selectMoment = systemStatement<{ moment: string }>(
  'moment_select',
  `select ${MOMENT} as moment`,
  'names what can be seen, and reads no row',
);

/** A database that loses what was committed, in a failover, may tell the same of other rows; but not so soon. */
const LONGEST_MS = 1000;

export class RememberedPages<Page extends { readonly items: string }> {
  readonly #questions = new SharedQuestions();
  readonly #most: number;
  readonly #now: () => number;
  readonly #pages = new Map<string, Page>();
  #moment = '';
  #since = 0;
  #length = 0;

  /** @param most characters, in all; @param now milliseconds */
  constructor({ most = 16_000_000, now = () => performance.now() } = {}) {
    this.#most = most;
    this.#now = now;
  }

  /** What is so now, at or after the call. */
  async moment(db: Queryable): Promise<string> {
    return (await this.#questions.ask('moment', () => selectMoment.one(db)))!.moment;
  }

  /** null: not read in this moment. */
  get(moment: string, key: string): Page | null {
    if (moment !== this.#moment || this.#now() - this.#since > LONGEST_MS) return null;
    return this.#pages.get(key) ?? null;
  }

  /** @param moment that the page was read in, as PostgreSQL told it in the same statement */
  put(moment: string, key: string, page: Page): void {
    if (moment !== this.#moment || this.#now() - this.#since > LONGEST_MS) {
      this.#pages.clear();
      this.#length = 0;
      this.#moment = moment;
      this.#since = this.#now();
    }
    if (this.#pages.has(key) || this.#length + page.items.length > this.#most) return;
    this.#pages.set(key, page);
    this.#length += page.items.length;
  }
}
