import { readdirSync } from 'node:fs'
import { join } from 'node:path'

/** The files below a directory, in order. */
export function filesBelow(directory = ''): readonly string[] {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted()
}
