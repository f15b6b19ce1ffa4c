import type { Read } from './stored-bytes.ts'

/** Half of a pair that lacks the other half. */
const LONE_SURROGATE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/
/** Stands in no UTF-8: what is no character costs its own record. */
const NO_CHARACTER = Buffer.of(0xff)

/**
 * UTF-16 as UTF-8, the byte order mark included. What is no character becomes a byte that is no UTF-8.
 * @param isBigEndian the byte with the high bits comes first
 */
export function decodeUtf16(read: Read, isBigEndian: boolean): Read {
  /** Bytes of a character whose end has not come yet. */
  let rest: Uint8Array = new Uint8Array(0)
  let isOver = false

  function decode(bytes: Buffer, isEnd: boolean): Uint8Array {
    let length = bytes.length & ~1
    // The second half of a pair may be in the next read.
    const high = length < 2 || isEnd ? 0 : (bytes[isBigEndian ? length - 2 : length - 1] as number)
    if ((high & 0xfc) === 0xd8) length -= 2
    rest = bytes.subarray(length)
    const units = isBigEndian ? Buffer.from(bytes.subarray(0, length)).swap16() : bytes.subarray(0, length)
    const text = units.toString('utf16le')
    const decoded = encode(text)
    return isEnd && rest.length > 0 ? Buffer.concat([decoded, NO_CHARACTER]) : decoded
  }

  return async () => {
    while (!isOver) {
      const next = await read()
      isOver = next === null
      const decoded = decode(Buffer.concat(next === null ? [rest] : [rest, next]), isOver)
      if (decoded.length > 0) return decoded
    }
    return null
  }
}

function encode(text: string): Uint8Array {
  const [first = '', ...others] = text.split(LONE_SURROGATE)
  if (others.length === 0) return Buffer.from(first)
  return Buffer.concat([Buffer.from(first), ...others.flatMap((part) => [NO_CHARACTER, Buffer.from(part)])])
}
