import { crypto } from '../crypto.ts'
import { typeOfPath } from '../currents/path-type.ts'
import type { OpenSource, Source } from '../model.ts'
import { decoded, isEncoded, readAtLeast } from './decode.ts'
import { STDIN } from './file-list.ts'
import { readFailure } from './read-failure.ts'
import {
  type OpenStoredFile,
  openStoredFile,
  READ_BYTES,
  type Read,
  readStdin,
  SPAN_BYTES,
  type StoredFile,
} from './stored-bytes.ts'

/** An open input: its bytes, decoded (src/README.md §2), in order. */
export interface OpenInput {
  readonly source: OpenSource
  /** The file that it is stored in, as long as it is open; null for standard input and pipes. */
  readonly file: StoredFile | null
  /**
   * The next bytes, or null at the end. A chunk stays as it is until `reuse`; nothing writes to it before.
   * @throws StoppedError when the system fails: that is no end, and no damage
   */
  read(): Promise<Uint8Array | null>
  /** A chunk that `read` gave is not needed any more: its memory may be read into again. */
  reuse(chunk: Uint8Array): void
  /** Goes on at this byte of the decoded input, at or behind what was handed out: a plain file seeks, others are read up to it. */
  skipTo(byte: number): Promise<void>
  /** After the end: why the input stopped too early; null when it is whole. */
  damage(): string | null
  /** Bytes of the stored file that were read so far, also ahead of what was handed out. */
  storedBytes(): number
  close(): Promise<void>
}

/** Says how far inputs may be read, and watches what is read; all in bytes as stored. */
export interface ReadGate {
  /** How many bytes of the source may be read from `byte` on; waits until there is one. 0: nothing more will be read. */
  room(source: Source, byte: number): Promise<number>
  /**
   * These bytes were read, and end at `byte`.
   * @throws Braze2ampError when they must not be taken
   */
  passed(source: Source, bytes: Uint8Array, byte: number): void
  /** What was read last must not be taken before more was read. */
  holds(source: Source): boolean
  /** The source has no more bytes. @throws Braze2ampError when there must be more */
  ended(source: Source): void
  /** The source is closed, or could not be opened. */
  left(source: Source): void
}

export interface ReadOptions {
  /** When it aborts, reading ends. */
  readonly stop?: AbortSignal
  readonly gate?: ReadGate | null
  /** Opens the files; another one is for tests. */
  readonly openFile?: OpenStoredFile | undefined
}

/** Bytes of the stored file that identify it (state/README.md §4). */
const HEAD_BYTES = 1 << 16

/**
 * Opens an input for reading from its start. Encodings are recognised by their first bytes.
 * @throws the system's error when it cannot be opened
 * @throws StoppedError when it cannot be read
 */
export async function openInput(source: Source, options: ReadOptions = {}): Promise<OpenInput> {
  const { stop, gate = null, openFile = openStoredFile } = options
  const isStdin = source.path === STDIN
  const stored = isStdin ? readStdin() : await openFile(source.path)
  const file = stored.file === null ? null : namingFailures(source.path, stored.file)
  let isClosed = false
  function close(): Promise<void> {
    isClosed = true
    stop?.removeEventListener('abort', close)
    return stored.close()
  }
  // A read that waits for a pipe must not outlast the wish to stop.
  stop?.addEventListener('abort', close, { once: true })
  let damage: string | null = null
  let storedBytes = 0
  /** Reads that were not handed on yet. */
  const waiting: Uint8Array[] = []

  async function readOnce(most: number): Promise<Uint8Array | null> {
    try {
      return await stored.read(most)
    } catch (error) {
      if (isClosed) return null
      const { code } = error as NodeJS.ErrnoException
      // A directory opens like a file, and says what it is only here.
      throw code === undefined || code === 'EISDIR' ? error : readFailure(source.path, error)
    }
  }

  async function readStored(): Promise<Uint8Array | null> {
    while (waiting.length === 0 || gate?.holds(source)) {
      const room = gate === null ? READ_BYTES : await gate.room(source, storedBytes)
      if (room === 0) return null
      const chunk = await readOnce(Math.min(room, READ_BYTES))
      if (chunk === null) {
        if (!isClosed) gate?.ended(source)
        break
      }
      storedBytes += chunk.length
      gate?.passed(source, chunk, storedBytes)
      waiting.push(chunk)
    }
    return waiting.shift() ?? null
  }

  const first = await readAtLeast(readStored, HEAD_BYTES).catch(async (error: unknown) => {
    await close()
    throw error
  })
  // A slice would keep the whole read in memory.
  const head = Buffer.from(first.subarray(0, HEAD_BYTES))
  let hash: string | null = null
  const headHash = () => {
    hash ??= crypto().hash('sha256', head, 'hex')
    return hash
  }
  const isStoredEncoded = isEncoded(first)
  const named = isStdin ? null : typeOfPath(source.path)
  // No spread and no method: each such object would be of a shape of its own, and what reads it compiled anew for every file.
  const opened: OpenSource = {
    path: source.path,
    number: source.number,
    fileType: named?.type ?? null,
    isShare: named?.isShare ?? false,
    candidates: named?.candidates ?? [],
    isEncoded: isStoredEncoded,
    headHash,
  }

  const content = decoded(first, readStored, {
    path: source.path,
    file,
    onDamage(why) {
      damage ??= why
    },
  })
  const ahead = createReadAhead(content)
  /** Bytes handed out, and what of the last read is still to be. */
  let position = 0
  let rest: Uint8Array | null = null

  async function read(): Promise<Uint8Array | null> {
    const bytes = rest ?? (await ahead.read())
    rest = null
    position += bytes?.length ?? 0
    return bytes
  }

  async function skipTo(byte: number): Promise<void> {
    // The bytes before the place are read too: the fingerprint of what follows has them in it.
    const from = byte - SPAN_BYTES
    if (file !== null && !isStoredEncoded && from > position) {
      // The first bytes are there already, and would come before those of the new place.
      if (position === 0) await ahead.read()
      await ahead.drop()
      file.seek(from)
      rest = null
      storedBytes = from
      position = from
    }
    while (position < byte) {
      const bytes = await read()
      if (bytes === null) return
      if (position > byte) {
        rest = bytes.subarray(bytes.length - (position - byte))
        position = byte
      }
    }
  }

  return {
    source: opened,
    file,
    read,
    reuse(chunk) {
      if (!isStoredEncoded) stored.reuse(chunk)
    },
    skipTo,
    damage: () => damage,
    storedBytes: () => storedBytes,
    async close() {
      await close()
      gate?.left(source)
    },
  }
}

/** A failure while places are read says of which file. */
function namingFailures(path: string, { seek, readAt, facts }: StoredFile): StoredFile {
  return {
    seek,
    async readAt(into, position) {
      try {
        return await readAt(into, position)
      } catch (error) {
        throw readFailure(path, error)
      }
    },
    facts,
  }
}

interface ReadAhead {
  readonly read: Read
  /** Waits for the read under way and forgets what it brings. */
  drop(): Promise<void>
}

/** Keeps one read under way while the caller works on the one before. */
function createReadAhead(read: Read): ReadAhead {
  let next: Promise<Uint8Array | null> | null = null
  return {
    async read() {
      const current = await (next ?? read())
      next = current === null ? Promise.resolve(null) : read()
      // Whoever reads on meets the error; nobody may.
      next.catch(() => {})
      return current
    },
    async drop() {
      await next
      next = null
    },
  }
}
