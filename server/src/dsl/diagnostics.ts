/** What is wrong with a text somebody wrote, and where. Collected and returned, many at a time; never thrown. */

export interface Diagnostic {
  readonly severity: 'error' | 'warning';
  /** One line: what is wrong. */
  readonly summary: string;
  /** What would be right, where that can be said. */
  readonly detail?: string;
  /** Numeric code of the language's reference parser, where it has one (cloudify-engine.md §2). */
  readonly code?: number;
  readonly at: SourcePosition;
}

/** 1-based line and column, as editors show them. */
export interface SourcePosition {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** `file:line:column: summary (detail)`. */
export function formatDiagnostic(diagnostic: Diagnostic): string {
  const { at, summary, detail } = diagnostic;
  return `${at.file}:${at.line}:${at.column}: ${summary}${detail === undefined ? '' : ` (${detail})`}`;
}
