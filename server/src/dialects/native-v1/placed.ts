/**
 * A JSON object in pieces, with the `position` that streams go on from as its first member.
 *
 * @param pieces the first one begins with the object's brace, and has a member
 */
export async function* placed(
  position: number,
  pieces: Iterable<string> | AsyncIterable<Buffer>,
): AsyncGenerator<Buffer> {
  let isFirst = true;
  for await (const piece of pieces) {
    const bytes = Buffer.from(piece);
    yield isFirst ? Buffer.concat([Buffer.from(`{"position":${position},`), bytes.subarray(1)]) : bytes;
    isFirst = false;
  }
}
