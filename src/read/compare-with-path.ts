import { stat } from 'node:fs/promises'
import { type Fingerprint, matchBytes, withFile } from './fingerprint.ts'
import { readFailure } from './read-failure.ts'
import { type ReadAt, readAtOf, type StoredFile } from './stored-bytes.ts'

/** What lies under the path of a file that was read: the same, or more behind it; nothing; another file; the file with other bytes. */
export type AtPath = 'same' | 'gone' | 'replaced' | 'changed'

const NOTHING_THERE = new Set(['ENOENT', 'ENOTDIR'])
const COMPARED_BYTES = 1 << 18

/**
 * Compares what was read of an open file with what its path leads to now.
 *
 * One file, as long as what was read and with the times that it had: nothing happened, and one look tells. Else the bytes tell, since
 * times and numbers also change where nothing was written (a `touch`, a copy of the same file put in place). Another file is compared
 * byte by byte, as the one that was read is still open. Of the file itself, written to in place, only both ends are compared: what
 * stood between them is nowhere any more (`Fingerprint` has the same limit).
 *
 * @param read what was read, from the file's start
 * @throws StoppedError when the system fails; nothing is known then
 */
export async function compareWithPath(path: string, file: StoredFile, read: Fingerprint): Promise<AtPath> {
  const { facts } = file
  try {
    const now = await stat(path)
    const isUntouched = now.size === read.byte && now.mtimeMs === facts.mtimeMs && now.ctimeMs === facts.ctimeMs
    if (isUntouched && now.dev === facts.dev && now.ino === facts.ino) return 'same'
    return await withFile(path, async (found) => {
      const { dev, ino } = await found.stat()
      const isSameFile = dev === facts.dev && ino === facts.ino
      const other = readAtOf(found)
      const isSame =
        (await matchBytes(other, read)) === 'same' && (isSameFile || (await areEqual(file.readAt, other, read.byte)))
      if (isSame) return 'same'
      return isSameFile ? 'changed' : 'replaced'
    })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== undefined && NOTHING_THERE.has(code)) return 'gone'
    if (code === 'EISDIR') return 'replaced'
    throw code === undefined ? error : readFailure(path, error)
  }
}

async function areEqual(one: ReadAt, other: ReadAt, length: number): Promise<boolean> {
  const [left, right] = [Buffer.allocUnsafe(COMPARED_BYTES), Buffer.allocUnsafe(COMPARED_BYTES)]
  for (let at = 0; at < length; at += COMPARED_BYTES) {
    const size = Math.min(COMPARED_BYTES, length - at)
    const [ours, theirs] = [left.subarray(0, size), right.subarray(0, size)]
    const read = await Promise.all([one(ours, at), other(theirs, at)])
    if (read.some((bytes) => bytes < size) || !ours.equals(theirs)) return false
  }
  return true
}
