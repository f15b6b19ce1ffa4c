import { readdirSync } from 'node:fs'
import { join } from 'node:path'

/** The files of the directory that a program is given. */
export function filesBelow(directory: string | undefined): readonly string[] {
  if (directory === undefined) throw new Error('give a directory')
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted()
}
