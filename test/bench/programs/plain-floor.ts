import { writeSync } from 'node:fs'
import { filesBelow } from './files-below.ts'
import { linesOf } from './lines.ts'
import { literalEvent } from './literal-event.ts'

/**
 * The least that a mapping program written plainly does with NDJSON: parse each record, map it with a literal object, stringify, write. No
 * duplicates, no books, no checks.
 */
for (const path of filesBelow(process.argv[2])) {
  for await (const lines of linesOf(path)) {
    let text = ''
    for (const line of lines) text += literalEvent(JSON.parse(line))
    writeSync(1, text)
  }
}
