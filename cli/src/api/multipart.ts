/** A form with one JSON field and one file, streamed: `multipart/form-data` as RFC 7578 has it. */
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';

export interface FormBody {
  readonly type: string;
  readonly stream: Readable;
}

export function formWithFile(
  field: { name: string; json: unknown },
  file: { name: string; fileName: string; stream: AsyncIterable<Uint8Array> } | null,
): FormBody {
  const boundary = `orrery-${randomBytes(16).toString('hex')}`;
  return {
    type: `multipart/form-data; boundary=${boundary}`,
    stream: Readable.from(parts(boundary, field, file), { objectMode: false }),
  };
}

async function* parts(
  boundary: string,
  field: { name: string; json: unknown },
  file: { name: string; fileName: string; stream: AsyncIterable<Uint8Array> } | null,
): AsyncGenerator<Uint8Array> {
  const text = (value: string): Uint8Array => Buffer.from(value, 'utf8');
  yield text(
    // Without a type of its own, as the clients before us send it.
    `--${boundary}\r\nContent-Disposition: form-data; name="${quoted(field.name)}"\r\n\r\n` +
      `${JSON.stringify(field.json)}\r\n`,
  );
  if (file !== null) {
    yield text(
      `--${boundary}\r\nContent-Disposition: form-data; name="${quoted(file.name)}"; filename="${quoted(file.fileName)}"\r\n` +
        'Content-Type: application/octet-stream\r\n\r\n',
    );
    for await (const chunk of file.stream) yield chunk;
    yield text('\r\n');
  }
  yield text(`--${boundary}--\r\n`);
}

function quoted(name: string): string {
  return name.replaceAll('"', '%22').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}
