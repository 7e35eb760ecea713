/** Everything the program touches of the process it runs in; tests hand it another one. */
import { makeStyle, type Style, speaksUnicode, wantsColour } from './terminal/style.js';

export interface OutputStream {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

export interface World {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly home: string;
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly now: () => number;
  /** Calls `listener` on Ctrl-C until the returned function is called. */
  onInterrupt(listener: () => void): () => void;
}

export function styleOf(world: World, stream: OutputStream): Style {
  return makeStyle({
    colour: wantsColour(world.env, stream.isTTY === true),
    unicode: speaksUnicode(world.env),
  });
}

/** Columns a stream may fill; null when it is no terminal and nothing needs to fit. */
export function columnsOf(stream: OutputStream): number | null {
  return stream.isTTY === true ? (stream.columns ?? 80) : null;
}
