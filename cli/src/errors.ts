/**
 * How the program ends, and the troubles that decide it. The numbers are part of the promise to scripts
 * (docs/cli.md).
 */
export const ExitCode = {
  ok: 0,
  /** The server refused or failed a request, or something on this machine did. */
  failed: 1,
  /** The command line, a profile or an input is wrong; nothing was sent. */
  usage: 2,
  /** The execution that was followed ended failed or cancelled. */
  executionFailed: 3,
  /** The server does not answer. */
  unreachable: 4,
  /** The server does not know who asks, or does not allow it. */
  denied: 5,
  /** Ctrl-C. */
  interrupted: 130,
} as const;

/** A trouble told to the user in full: what, and what to do about it. */
export class CliError extends Error {
  constructor(
    message: string,
    readonly exitCode: number,
    readonly hints: readonly string[] = [],
    options: { cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'CliError';
  }
}

export class UsageError extends CliError {
  constructor(message: string, hints: readonly string[] = []) {
    super(message, ExitCode.usage, hints);
    this.name = 'UsageError';
  }
}

/** The server does not answer; a later try may succeed. */
export class UnreachableError extends CliError {
  constructor(url: string, cause: NodeJS.ErrnoException, hints: readonly string[]) {
    super(`No server answers at ${url} (${reason(cause)}).`, ExitCode.unreachable, hints, { cause });
    this.name = 'UnreachableError';
  }
}

function reason(cause: NodeJS.ErrnoException): string {
  switch (cause.code) {
    case 'ECONNREFUSED':
      return 'connection refused';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'the name is not known';
    case 'ECONNRESET':
      return 'the connection was closed';
    case 'ETIMEDOUT':
      return 'no answer in time';
    default:
      return cause.code ?? cause.message;
  }
}

/** The server answered, with an error. */
export class ApiError extends CliError {
  constructor(
    readonly status: number,
    /** `error_code` of the answer; null when the body was not the server's own form. */
    readonly code: string | null,
    message: string,
    readonly request: string,
    hints: readonly string[] = [],
  ) {
    super(message, status === 401 || status === 403 ? ExitCode.denied : ExitCode.failed, hints);
    this.name = 'ApiError';
  }

  /** True for answers that a restarting server or a proxy before it gives. */
  get passing(): boolean {
    return this.status === 502 || this.status === 503 || this.status === 504;
  }
}
