/** Bytes that mean something to some cutter. */
const TOKENS = [
  ...[
    '"',
    '""',
    '\\',
    '\\"',
    '\\N',
    ',',
    '\t',
    ';',
    '|',
    '\n',
    '\r',
    '\r\n',
    '\r\r\n',
    '\\\n',
    'NULL',
    'null',
    '\u0000',
  ],
  ...[
    '{',
    '}',
    '[',
    ']',
    ':',
    '{}',
    '[]',
    '{"',
    '"}',
    '{"events":[',
    '{"string":"x"}',
    '1e400',
    '-0',
    '\\u0000',
    '\\ud800',
  ],
  ...['\ufeff', '\u001e', '\u2028', '0123', 'Obj\u0001', ' ', "'", '#', 'sep=;\n', 'id,time\n', '+---+\n', '\u00ff'],
].map((text) => Buffer.from(text))

/** Bytes with one to six changes: flipped, cut, doubled, moved, or with something put in. */
export function mutated(bytes: Uint8Array, random: () => number): Uint8Array {
  let result = Buffer.from(bytes)
  const below = (limit: number) => Math.floor(random() * limit)
  for (let left = 1 + below(6); left > 0; left--) {
    const at = below(result.length + 1)
    const to = Math.min(result.length, at + 1 + below(below(2) === 0 ? 4 : 200))
    switch (below(7)) {
      case 0:
        if (result.length > 0) result[at % result.length] = below(256)
        break
      case 1:
        result = result.subarray(0, at)
        break
      case 2:
        result = Buffer.concat([result.subarray(0, at), result.subarray(to)])
        break
      case 3:
        result = Buffer.concat([result.subarray(0, to), result.subarray(at)])
        break
      case 4:
        result = Buffer.concat([result.subarray(to), result.subarray(0, to)])
        break
      default:
        result = Buffer.concat([
          result.subarray(0, at),
          TOKENS[below(TOKENS.length)] ?? Buffer.alloc(0),
          result.subarray(at),
        ])
    }
  }
  return result
}
