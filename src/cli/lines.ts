/**
 * The lines of a stream, as bytes, without their ends; those of one chunk together, so that whoever takes
 * them may work in batches and never waits for more than there is.
 *
 * @param maxBytes a longer line is taken apart there
 */
export async function* linesOf(
  stream: AsyncIterable<Uint8Array | string>,
  maxBytes: number,
): AsyncGenerator<readonly Buffer[]> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const piece of stream) {
    const chunk = typeof piece === "string" ? Buffer.from(piece) : Buffer.from(piece);
    const lines: Buffer[] = [];
    let from = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      const line = chunk.subarray(from, end);
      lines.push(withoutReturn(rest.byteLength === 0 ? line : Buffer.concat([rest, line])));
      rest = Buffer.alloc(0);
      from = end + 1;
    }
    if (from < chunk.byteLength) rest = Buffer.concat([rest, chunk.subarray(from)]);
    if (rest.byteLength > maxBytes) {
      lines.push(rest);
      rest = Buffer.alloc(0);
    }
    if (lines.length > 0) yield lines;
  }
  if (rest.byteLength > 0) yield [withoutReturn(rest)];
}

function withoutReturn(line: Buffer): Buffer {
  return line[line.byteLength - 1] === 13 ? line.subarray(0, -1) : line;
}
