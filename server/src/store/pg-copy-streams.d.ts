declare module 'pg-copy-streams' {
  import type { Readable, Writable } from 'node:stream';
  import type { Submittable } from 'pg';

  /** `COPY … TO STDOUT`; `rowCount` holds after the end. */
  export function to(text: string): Readable & Submittable & { readonly rowCount: number };
  /** `COPY … FROM STDIN`; `rowCount` holds after `finish`. */
  export function from(text: string): Writable & Submittable & { readonly rowCount: number };
}
