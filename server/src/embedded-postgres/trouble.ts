/**
 * The embedded PostgreSQL cannot serve. The message is one sentence that ends with the way out, because whoever reads
 * it wanted to start Orrery, not to learn about PostgreSQL.
 */
export class EmbeddedPostgresError extends Error {
  constructor(what: string, cause?: unknown) {
    const why = cause instanceof Error ? ` (${cause.message})` : '';
    super(`${what}${why}: set DATABASE_URL to use a PostgreSQL of your own (15 or newer)`, { cause });
    this.name = 'EmbeddedPostgresError';
  }
}
