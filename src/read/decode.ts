import type { Read, StoredFile } from './stored-bytes.ts'
import { decodeUtf16 } from './utf-16.ts'
import { beginsFrame } from './zstd-frame.ts'

/** Encodings around encodings that are taken off; who wraps deeper wants something else. */
const MAX_DEPTH = 8
/** Bytes that tell an encoding. */
const MAGIC_BYTES = 4

/** What is decoded. */
interface Coded {
  /** For errors. */
  readonly path: string
  /** Where the bytes can be read again; null when they cannot. */
  readonly file: StoredFile | null
  /** Told why, before the end is. */
  readonly onDamage: (why: string) => void
}

/** How bytes are made of stored ones. What makes them is loaded when the first input asks for it. */
interface Encoding {
  /** True when bytes that begin so are encoded. */
  begins(head: Uint8Array): boolean
  decode(read: Read, of: Coded): Promise<Read>
}

const ENCODINGS: readonly Encoding[] = [
  {
    begins: (head) => has(head, 0x1f, 0x8b),
    decode: async (read, { file, onDamage }) => (await import('./gunzip.ts')).gunzip(read, file, onDamage),
  },
  {
    begins: (head) => head.length >= MAGIC_BYTES && beginsFrame(head),
    decode: async (read, { path, onDamage }) => (await import('./unzstd.ts')).unzstd(read, path, onDamage),
  },
  {
    // With two NUL bytes behind it, it is the mark of UTF-32.
    begins: (head) => has(head, 0xff, 0xfe) && !has(head, 0xff, 0xfe, 0, 0),
    decode: async (read) => decodeUtf16(read, false),
  },
  { begins: (head) => has(head, 0xfe, 0xff), decode: async (read) => decodeUtf16(read, true) },
]

function has(head: Uint8Array, ...bytes: readonly number[]): boolean {
  return bytes.every((byte, i) => head[i] === byte)
}

/** True when bytes that begin so are encoded (src/README.md §2): gzip, zstd, UTF-16 with a byte order mark. */
export function isEncoded(head: Uint8Array): boolean {
  return encodingOf(head) !== null
}

/**
 * The content of an input: every encoding is taken off, also one within another.
 * @param head the first bytes, at least as many as tell an encoding
 * @param read what follows them
 */
export function decoded(head: Uint8Array, read: Read, of: Coded, depth = 0): Read {
  const bytes = startingWith(head, read)
  const encoding = depth < MAX_DEPTH ? encodingOf(head) : null
  if (encoding === null) return bytes
  let inner: Read | null = null
  return async () => {
    if (inner === null) {
      const content = await encoding.decode(bytes, of)
      inner = decoded(await readAtLeast(content, MAGIC_BYTES), content, { ...of, file: null }, depth + 1)
    }
    return inner()
  }
}

function encodingOf(head: Uint8Array): Encoding | null {
  return ENCODINGS.find(({ begins }) => begins(head)) ?? null
}

/** The next bytes, at least so many unless the input ends before: a pipe may bring them in pieces of any size. */
export async function readAtLeast(read: Read, count: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let length = 0
  while (length < count) {
    const chunk = await read()
    if (chunk === null) break
    parts.push(chunk)
    length += chunk.length
  }
  return parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts)
}

function startingWith(first: Uint8Array, rest: Read): Read {
  let isFirst = first.length > 0
  return async () => {
    if (!isFirst) return rest()
    isFirst = false
    return first
  }
}
