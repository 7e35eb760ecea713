/**
 * The log: one JSON object per line, with the request id where there is one, and never a secret.
 *
 * Three walls: requests are logged by a fixed set of fields (no headers, no query, no body); errors by type, message,
 * code and stack (a database error's `detail` quotes values); and fields with telling names are masked wherever a line
 * carries an object.
 */
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { type Logger, pino } from 'pino';
import type { Settings } from './config.js';

export type Log = Logger;

const SECRET_FIELDS = [
  'password',
  'token',
  'secret',
  'authorization',
  'cookie',
  'apiKey',
  'masterKey',
  'adminPassword',
  'databaseUrl',
  'DATABASE_URL',
];

/**
 * Where lines go: standard error, a file, or by itself (`auto`): the data folder's `orrery.log` where standard error is a
 * terminal, so that a person there reads sentences rather than JSON.
 */
export function openLog(settings: Pick<Settings, 'logLevel' | 'logTo' | 'dataDir'>): Log {
  const file = logFileOf(settings);
  // Written at once: what was logged before a SIGKILL is there, and costs some 5 µs a line.
  const destination = pino.destination({ dest: file ?? 2, sync: true, append: true, mode: 0o600 });
  if (file !== null) chmodSync(file, 0o600);
  return logTo(destination, settings.logLevel);
}

/** The file that `openLog` writes to; null: standard error. */
export function logFileOf({ logTo, dataDir }: Pick<Settings, 'logTo' | 'dataDir'>): string | null {
  if (logTo !== 'auto') return logTo === 'stderr' ? null : logTo;
  return process.stderr.isTTY ? join(dataDir, 'orrery.log') : null;
}

/** A log that writes lines to `destination`. */
export function logTo(destination: { write(line: string): void }, level: string): Log {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: errorForLog, error: errorForLog },
      redact: {
        paths: SECRET_FIELDS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]),
        censor: '********',
      },
    },
    destination,
  );
}

interface LoggedError {
  readonly type: string;
  readonly message: string;
  readonly code?: string;
  readonly stack?: string;
  readonly cause?: LoggedError;
}

function errorForLog(error: unknown, depth = 0): LoggedError {
  if (!(error instanceof Error)) return { type: typeof error, message: String(error).slice(0, 2000) };
  const { code, cause } = error as { code?: unknown; cause?: unknown };
  return {
    type: error.name,
    message: withoutCredentials(error.message).slice(0, 4000),
    ...(typeof code === 'string' ? { code } : {}),
    ...(error.stack === undefined ? {} : { stack: withoutCredentials(error.stack).slice(0, 8000) }),
    ...(cause === undefined || depth > 4 ? {} : { cause: errorForLog(cause, depth + 1) }),
  };
}

/** `scheme://user:password@host` without the password. */
export function withoutCredentials(text: string): string {
  return text.replace(/(\w+:\/\/[^\s:/@]*):[^\s/@]*@/g, '$1:********@');
}
