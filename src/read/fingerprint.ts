import { createHash, type Hash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { type ReadAt, readAtOf, SPAN_BYTES } from './stored-bytes.ts'

/**
 * What tells that an input is still the one that was read up to a place (state/README.md §4): a hash of its beginning and one of the 64 KB
 * before that place. All in bytes as stored, before gunzip. An input that only grew matches; one that shrank, or changed there, does
 * not. A change in between, of the same length, is not seen: reading everything again would cost as much as sending it.
 */
export interface Fingerprint {
  /** How many bytes, from the first on, it speaks of. */
  readonly byte: number
  /** SHA-256 of the first 64 KB, of at most `byte`; hex. */
  readonly head: string
  /** SHA-256 of the 64 KB before `byte`; hex. */
  readonly tail: string
}

const EMPTY_HASH = createHash('sha256').digest('hex')

/** The fingerprint of an input of which nothing was read. */
export const EMPTY_FINGERPRINT: Fingerprint = { byte: 0, head: EMPTY_HASH, tail: EMPTY_HASH }

/** Whether an input is the one that a fingerprint was taken of. */
export type Match = 'same' | 'shrank' | 'changed'

/**
 * The fingerprint of a file up to `byte`; of all of it when that is null.
 * @throws the system's error, and an Error when the file is shorter
 */
export async function fingerprintOfFile(path: string, byte: number | null): Promise<Fingerprint> {
  return withFile(path, async (file) => {
    const upTo = byte ?? (await file.stat()).size
    const found = await fingerprintAt(readAtOf(file), upTo)
    if (found === null) throw new Error(`${path} is shorter than ${upTo} bytes`)
    return found
  })
}

/** Compares a file with the fingerprint taken of it. @throws the system's error when it cannot be read */
export async function matchFile(path: string, expected: Fingerprint): Promise<Match> {
  return withFile(path, (file) => matchBytes(readAtOf(file), expected))
}

/** Compares an open file with the fingerprint taken of it. */
export async function matchBytes(readAt: ReadAt, expected: Fingerprint): Promise<Match> {
  const found = await fingerprintAt(readAt, expected.byte)
  if (found === null) return 'shrank'
  return found.head === expected.head && found.tail === expected.tail ? 'same' : 'changed'
}

export async function withFile<T>(path: string, act: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await open(path)
  try {
    return await act(file)
  } finally {
    await file.close()
  }
}

/** Null when the file is shorter. */
async function fingerprintAt(readAt: ReadAt, byte: number): Promise<Fingerprint | null> {
  const head = await hashAt(readAt, 0, Math.min(byte, SPAN_BYTES))
  const tail = byte <= SPAN_BYTES ? head : await hashAt(readAt, byte - SPAN_BYTES, byte)
  return head === null || tail === null ? null : { byte, head, tail }
}

async function hashAt(readAt: ReadAt, from: number, to: number): Promise<string | null> {
  const bytes = Buffer.allocUnsafe(to - from)
  return (await readAt(bytes, from)) < bytes.length ? null : hashOf(bytes)
}

function hashOf(...parts: readonly Uint8Array[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}

/**
 * The fingerprint of a file as far as it was read, made of the very bytes that were read: the file may be changed, or its path lead
 * to another one, before anybody could read it again.
 */
export interface TrailingFingerprint {
  /** Takes bytes as stored that end at `byte`. They begin with the file's first; what does not follow the bytes before begins anew. */
  add(bytes: Uint8Array, byte: number): void
  /** The fingerprint up to the end of the bytes taken last; null while too few before it were taken in one piece. */
  take(): Fingerprint | null
}

export function createTrailingFingerprint(): TrailingFingerprint {
  let head: string | null = null
  /** The bytes before `byte`, so far as they are one piece, at most a span. */
  let tail: Buffer = Buffer.alloc(0)
  let byte = 0
  let last = EMPTY_FINGERPRINT

  return {
    add(bytes, to) {
      const from = to - bytes.length
      if (from !== byte) tail = Buffer.alloc(0)
      if (head === null && tail.length === from && to >= SPAN_BYTES) {
        head = hashOf(tail, bytes.subarray(0, SPAN_BYTES - tail.length))
      }
      const length = Math.min(tail.length + bytes.length, SPAN_BYTES)
      const kept = Math.max(0, length - bytes.length)
      const joined = tail.length === length ? tail : Buffer.allocUnsafeSlow(length)
      joined.set(tail.subarray(tail.length - kept))
      joined.set(bytes.subarray(bytes.length - (length - kept)), kept)
      tail = joined
      byte = to
    },
    take() {
      if (last.byte === byte) return last
      if (tail.length < Math.min(byte, SPAN_BYTES)) return null
      const hash = hashOf(tail)
      if (byte > SPAN_BYTES && head === null) return null
      last = { byte, head: byte > SPAN_BYTES && head !== null ? head : hash, tail: hash }
      return last
    },
  }
}

/**
 * Fingerprints of an input that passes by, without reading it again: standard input has no second time. Places are whole spans of
 * 64 KB and the end.
 */
export interface PassingFingerprint {
  /** Takes the next bytes as stored, in order. */
  add(bytes: Uint8Array): void
  /** There are no more. */
  end(): void
  /** The latest place at or before `byte`; those before it are forgotten, so `byte` must not go back. */
  before(byte: number): Fingerprint
}

export function createPassingFingerprint(): PassingFingerprint {
  let places: Fingerprint[] = [EMPTY_FINGERPRINT]
  let head: string | null = null
  let byte = 0
  /** Hashes the span under way. */
  let hash: Hash = createHash('sha256')
  /** The span before, with the last bytes of which the end's tail begins. */
  let before: Buffer = Buffer.alloc(0)
  let span: Buffer = Buffer.allocUnsafeSlow(SPAN_BYTES)
  let filled = 0

  function note(tail: string): void {
    head ??= tail
    places.push({ byte, head, tail })
  }

  return {
    add(bytes) {
      for (let at = 0; at < bytes.length; ) {
        const part = bytes.subarray(at, at + SPAN_BYTES - filled)
        hash.update(part)
        span.set(part, filled)
        filled += part.length
        byte += part.length
        at += part.length
        if (filled < SPAN_BYTES) continue
        note(hash.digest('hex'))
        hash = createHash('sha256')
        const spare = before
        before = span
        span = spare.length === 0 ? Buffer.allocUnsafeSlow(SPAN_BYTES) : spare
        filled = 0
      }
    },
    end() {
      if (filled === 0) return
      note(hashOf(before.subarray(filled), span.subarray(0, filled)))
    },
    before(wanted) {
      const next = places.findIndex((place) => place.byte > wanted)
      places = places.slice((next < 0 ? places.length : next) - 1)
      return places[0] as Fingerprint
    },
  }
}

/**
 * Compares an input that passes by with the fingerprint of the one before; null until `expected.byte` bytes have passed. Nothing may
 * be taken from it before it answers `same`.
 */
export interface PassingMatch {
  add(bytes: Uint8Array): Match | null
  /** The input has ended. */
  end(): Match
}

export function createPassingMatch(expected: Fingerprint): PassingMatch {
  const headHash = createHash('sha256')
  const tailHash = createHash('sha256')
  const headTo = Math.min(expected.byte, SPAN_BYTES)
  const tailFrom = Math.max(0, expected.byte - SPAN_BYTES)
  let byte = 0
  let found: Match | null = null

  function within(bytes: Uint8Array, from: number, to: number): Uint8Array {
    return bytes.subarray(Math.max(0, from - byte), Math.max(0, to - byte))
  }

  function decide(): Match | null {
    if (found === null && byte >= expected.byte) {
      const isSame = headHash.digest('hex') === expected.head && tailHash.digest('hex') === expected.tail
      found = isSame ? 'same' : 'changed'
    }
    return found
  }

  return {
    add(bytes) {
      if (found !== null) return found
      headHash.update(within(bytes, 0, headTo))
      tailHash.update(within(bytes, tailFrom, expected.byte))
      byte += bytes.length
      return decide()
    },
    end: () => decide() ?? 'shrank',
  }
}
