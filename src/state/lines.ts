import { NEWLINE, textOf } from '../json/bytes.ts'
import type { AppendLog } from './append-log.ts'

const READ_BYTES = 1 << 20

/**
 * Reads the lines of a log, each without its newline, with the byte where it begins; returns the text behind the last newline, which
 * is empty when every line has its end.
 */
export async function eachLine(
  log: Pick<AppendLog, 'read'>,
  take: (line: string, at: number) => void,
): Promise<{ readonly rest: string; readonly at: number }> {
  const block = Buffer.allocUnsafeSlow(READ_BYTES)
  let rest = Buffer.alloc(0)
  let at = 0
  for (let position = 0; ; ) {
    const read = await log.read(block, position)
    if (read === 0) break
    position += read
    const bytes = rest.length === 0 ? block.subarray(0, read) : Buffer.concat([rest, block.subarray(0, read)])
    let start = 0
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
      take(textOf(bytes, start, end), at + start)
      start = end + 1
    }
    at += start
    rest = Buffer.from(bytes.subarray(start))
  }
  return { rest: rest.toString('utf8'), at }
}
