import { closeSync, openSync, readSync } from 'node:fs'
import { filesBelow } from './files-below.ts'

/** Reads every file and does nothing with it. */
const buffer = Buffer.allocUnsafe(1 << 20)
for (const path of filesBelow(process.argv[2])) {
  const file = openSync(path, 'r')
  while (readSync(file, buffer) > 0);
  closeSync(file)
}
