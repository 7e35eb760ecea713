/**
 * What a snapshot says of itself: the last file of its archive. The format is ours and has a number; an archive of another
 * number is not read. See docs/snapshots.md.
 */
import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { DomainError } from '../../errors.js';

export const FORMAT = 1;
export const MANIFEST = 'manifest.json';
export const SECRET_KEYS = 'secret-keys.jsonl';

const Entry = {
  path: Type.String(),
  bytes: Type.Integer({ minimum: 0 }),
  /** Hexadecimal. */
  sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
};

const Schema = Type.Object({
  format: Type.Literal(FORMAT),
  product: Type.Literal('orrery'),
  snapshot: Type.String(),
  /** The execution that made it. */
  execution: Type.String(),
  createdAt: Type.String(),
  contents: Type.Object({ events: Type.Boolean(), logs: Type.Boolean(), tokens: Type.Boolean() }),
  /** Migrations of the database that it is of. */
  schema: Type.Array(Type.Object({ number: Type.Integer(), name: Type.String(), digest: Type.String() })),
  tables: Type.Array(
    Type.Object({
      ...Entry,
      name: Type.String(),
      columns: Type.Array(Type.String()),
      rows: Type.Integer({ minimum: 0 }),
      format: Type.Union([Type.Literal('text'), Type.Literal('binary')]),
    }),
  ),
  secrets: Type.Object({
    /** Fingerprints of the master keys that they are under. */
    masterKeys: Type.Array(Type.String()),
    /** Their keys under a passphrase; null: under the master keys alone. */
    passphrase: Type.Union([
      Type.Null(),
      Type.Object({
        ...Entry,
        lock: Type.Object({
          derivation: Type.Literal('scrypt-32768-8-1'),
          salt: Type.String(),
          box: Type.String(),
        }),
      }),
    ]),
  }),
});

export type Manifest = Static<typeof Schema>;
export type ManifestTable = Manifest['tables'][number];

const validator = Compile(Schema);

/** @throws DomainError `invalid` (`snapshot-archive-invalid`) */
export function readManifest(text: string): Manifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw notASnapshot('its manifest is no JSON', cause);
  }
  if (validator.Check(value)) return value;
  const format = (value as { format?: unknown } | null)?.format;
  if (typeof format === 'number' && format !== FORMAT) {
    throw notASnapshot(`it has format ${format}, and this version reads format ${FORMAT}`);
  }
  const [first] = validator.Errors(value);
  throw notASnapshot(`its manifest is wrong at ${first?.instancePath || 'its top'}: ${first?.message ?? ''}`);
}

export function notASnapshot(why: string, cause?: unknown): DomainError {
  return new DomainError(
    'invalid',
    'snapshot-archive-invalid',
    `This is not a whole snapshot of Orrery: ${why}`,
    cause === undefined ? {} : { cause },
  );
}
