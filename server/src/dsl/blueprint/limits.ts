/** How large what an author sends may be. Everything is bounded; the bounds are far above honest blueprints. */
export interface Limits {
  /** Characters of one file. */
  readonly fileCharacters: number;
  /** Files a blueprint may consist of, the main one included. */
  readonly files: number;
  /** Values of one file, with everything reached through aliases written out. */
  readonly values: number;
  /** Characters of one file's values, with everything reached through aliases written out. */
  readonly characters: number;
  /** Levels a value may nest, aliases followed. */
  readonly depth: number;
  /** Ancestors a type may have. */
  readonly ancestors: number;
  /** Diagnostics returned at most; the last one then says that there are more. */
  readonly diagnostics: number;
}

export const DEFAULT_LIMITS: Limits = {
  fileCharacters: 16 * 1024 * 1024,
  files: 500,
  values: 2_000_000,
  characters: 32 * 1024 * 1024,
  depth: 120,
  ancestors: 500,
  diagnostics: 200,
};
