/** What a worker must know of an uploaded plugin to run it. The catalogue answers; tests answer without one. */

export interface PluginPackage {
  readonly packageName: string;
  readonly packageVersion: string;
  /** Of the wagon, in hexadecimal: what is built from it is built once. */
  readonly sha256: string;
  /** Writes the wagon's wheels into a folder; returns their names. */
  unpack(folder: string, signal: AbortSignal): Promise<readonly string[]>;
  /** Notes for people where it is installed. */
  report(state: 'installing' | 'installed' | 'error', error?: string): Promise<void>;
}
