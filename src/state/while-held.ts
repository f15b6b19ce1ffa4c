import type { FileSystem, OpenFile } from './file-system.ts'

/**
 * A file system that changes nothing any more once `prove` rejects: then another process works on these files, and what this one still
 * had to write would stand in the middle of that one's. Its calls then reject with the reason.
 * @param prove asked before each change, as `Lock.prove`
 */
export function whileHeld(fileSystem: FileSystem, prove: () => Promise<void>): FileSystem {
  function held<Given extends unknown[], T>(act: (...given: Given) => Promise<T>): (...given: Given) => Promise<T> {
    return async (...given) => {
      await prove()
      return act(...given)
    }
  }

  const fileOf = (file: OpenFile): OpenFile => ({ ...file, write: held(file.write), truncate: held(file.truncate) })
  return {
    ...fileSystem,
    open: held(async (path, how) => fileOf(await fileSystem.open(path, how))),
    rename: held(fileSystem.rename),
    unlink: held(fileSystem.unlink),
    mkdir: held(fileSystem.mkdir),
  }
}
