import { dirname } from 'node:path'
import type { FileSystem, OpenFile } from '../../src/state/file-system.ts'

/** Picks one of `options` possibilities, 0 to `options - 1`; 0 is always the mildest: what was asked for happened. */
export type Choose = (options: number) => number

/**
 * A disk in memory that knows what a crash may lose. Each file and each directory has a durable state and the changes since its
 * last sync; a power failure keeps, loses or tears each of those changes by itself, as file systems are allowed to.
 */
export interface MemoryDisk {
  /** The file system as a process sees it that starts now: handles and calls of the ones before are dead after a crash. */
  boot(): FileSystem
  /** The process is gone, and what it wrote is there: kill -9. */
  kill(): void
  /** The power is gone: what was not synced may be too. */
  powerFailure(choose: Choose): void
  /** Content of every file, by path, as a process would read it. */
  files(): ReadonlyMap<string, Buffer>
  /** What a power failure that loses all it may would leave of a file; null when that is nothing. */
  durable(path: string): Buffer | null
  /** Permission bits of every file and directory, by path. */
  modes(): ReadonlyMap<string, number>
  /** Puts a file there, durably, as another program would. */
  plant(path: string, content: string | Uint8Array, mtimeMs?: number): void
}

interface FileNode {
  readonly is: 'file'
  durable: Buffer
  current: Buffer
  unsynced: Change[]
  mtimeMs: number
  readonly mode: number
}

interface DirectoryNode {
  readonly is: 'directory'
  durable: Map<string, Node>
  readonly current: Map<string, Node>
  unsynced: Rename[]
  readonly mode: number
}

type Node = FileNode | DirectoryNode

type Change =
  | { readonly is: 'write'; readonly bytes: Buffer; readonly position: number }
  | { readonly is: 'truncate'; readonly length: number }

/** One atomic change of names: a creation has no `remove`, an unlink no `add`. */
interface Rename {
  readonly remove: string | null
  readonly add: readonly [string, Node] | null
}

export function createMemoryDisk(now: () => number = () => 0): MemoryDisk {
  const root = directoryNode()
  /** Directories below the root, so that a crash reaches the ones whose name was not synced too. */
  let epoch = 0

  function find(path: string): Node | null {
    let node: Node = root
    for (const name of path.split('/').filter((part) => part !== '')) {
      if (node.is !== 'directory') return null
      const next = node.current.get(name)
      if (next === undefined) return null
      node = next
    }
    return node
  }

  function directoryAt(path: string): DirectoryNode {
    const node = find(path)
    if (node === null) throw systemError('ENOENT', path)
    if (node.is !== 'directory') throw systemError('ENOTDIR', path)
    return node
  }

  function change(directory: DirectoryNode, rename: Rename): void {
    directory.unsynced.push(rename)
    applyRename(directory.current, rename)
  }

  function fileAt(path: string): FileNode {
    const node = find(path)
    if (node === null) throw systemError('ENOENT', path)
    if (node.is !== 'file') throw systemError('EISDIR', path)
    return node
  }

  function walk(visit: (path: string, node: Node) => void, directory = root, path = ''): void {
    for (const [name, node] of directory.current) {
      visit(`${path}/${name}`, node)
      if (node.is === 'directory') walk(visit, node, `${path}/${name}`)
    }
  }

  function boot(): FileSystem {
    const mine = epoch

    /** Every call goes through here: it takes its time, and a process that is gone does nothing more. */
    async function call<T>(act: () => T): Promise<T> {
      await null
      if (mine !== epoch) throw new Error('this process is gone')
      return act()
    }

    function openFile(file: FileNode): OpenFile {
      let isOpen = true
      const use = <T>(act: () => T) =>
        call(() => {
          if (!isOpen) throw systemError('EBADF', 'a closed file')
          return act()
        })
      const record = (done: Change) => {
        file.unsynced.push(done)
        file.current = applyChange(file.current, done)
        file.mtimeMs = now()
      }
      return {
        read: (into, position) => use(() => file.current.copy(into, 0, position, position + into.length)),
        write: (bytes, position) => use(() => record({ is: 'write', bytes: Buffer.from(bytes), position })),
        truncate: (length) => use(() => record({ is: 'truncate', length })),
        sync: () =>
          use(() => {
            file.durable = file.current
            file.unsynced = []
          }),
        size: () => use(() => file.current.length),
        close: () =>
          use(() => {
            isOpen = false
          }),
      }
    }

    return {
      open: (path, how) =>
        call(() => {
          const directory = directoryAt(dirname(path))
          const name = nameOf(path)
          if (directory.current.has(name)) {
            if (how === 'create') throw systemError('EEXIST', path)
            const file = fileAt(path)
            const opened = openFile(file)
            if (how === 'replace') {
              file.unsynced.push({ is: 'truncate', length: 0 })
              file.current = Buffer.alloc(0)
            }
            return opened
          }
          if (how === 'read') throw systemError('ENOENT', path)
          const file: FileNode = {
            is: 'file',
            durable: Buffer.alloc(0),
            current: Buffer.alloc(0),
            unsynced: [],
            mtimeMs: now(),
            mode: 0o600,
          }
          change(directory, { remove: null, add: [name, file] })
          return openFile(file)
        }),
      rename: (from, to) =>
        call(() => {
          if (dirname(from) !== dirname(to)) throw systemError('EXDEV', to)
          const node = find(from)
          if (node === null) throw systemError('ENOENT', from)
          change(directoryAt(dirname(from)), { remove: nameOf(from), add: [nameOf(to), node] })
        }),
      unlink: (path) =>
        call(() => {
          fileAt(path)
          change(directoryAt(dirname(path)), { remove: nameOf(path), add: null })
        }),
      readdir: (path) => call(() => [...directoryAt(path).current.keys()]),
      mkdir: (path) =>
        call(() => {
          let at = ''
          for (const name of path.split('/').filter((part) => part !== '')) {
            const above = directoryAt(at)
            at = `${at}/${name}`
            if (!above.current.has(name)) change(above, { remove: null, add: [name, directoryNode()] })
            directoryAt(at)
          }
        }),
      stat: (path) =>
        call(() => {
          const node = find(path)
          if (node === null) return null
          // Nothing that a process of ours does makes a link.
          if (node.is !== 'file') return { isFile: false, isDirectory: true, links: 2, size: 0, mtimeMs: 0 }
          return { isFile: true, isDirectory: false, links: 1, size: node.current.length, mtimeMs: node.mtimeMs }
        }),
      touch: (path, mtimeMs) =>
        call(() => {
          fileAt(path).mtimeMs = mtimeMs
        }),
      syncDirectory: (path) =>
        call(() => {
          const directory = directoryAt(path)
          directory.durable = new Map(directory.current)
          directory.unsynced = []
        }),
    }
  }

  return {
    boot,
    kill() {
      epoch += 1
    },
    powerFailure(choose) {
      epoch += 1
      const seen = new Set<Node>()
      const settle = (node: Node) => {
        if (seen.has(node)) return
        seen.add(node)
        if (node.is === 'file') return settleFile(node, choose)
        settleDirectory(node, choose)
        for (const child of node.current.values()) settle(child)
      }
      settle(root)
    },
    files() {
      const found = new Map<string, Buffer>()
      walk((path, node) => {
        if (node.is === 'file') found.set(path, node.current)
      })
      return found
    },
    durable(path) {
      let node: Node | undefined = root
      for (const name of path.split('/').filter((part) => part !== '')) {
        node = node?.is === 'directory' ? node.durable.get(name) : undefined
      }
      return node?.is === 'file' ? node.durable : null
    },
    modes() {
      const found = new Map<string, number>()
      walk((path, node) => found.set(path, node.mode))
      return found
    },
    plant(path, content, mtimeMs = now()) {
      let directory = root
      const names = path.split('/').filter((part) => part !== '')
      for (const name of names.slice(0, -1)) {
        let next = directory.current.get(name)
        if (next === undefined) {
          next = directoryNode()
          directory.current.set(name, next)
          directory.durable.set(name, next)
        }
        if (next.is !== 'directory') throw systemError('ENOTDIR', path)
        directory = next
      }
      const bytes = Buffer.from(content)
      const file: FileNode = { is: 'file', durable: bytes, current: bytes, unsynced: [], mtimeMs, mode: 0o600 }
      directory.current.set(nameOf(path), file)
      directory.durable.set(nameOf(path), file)
    },
  }
}

function directoryNode(): DirectoryNode {
  return { is: 'directory', durable: new Map(), current: new Map(), unsynced: [], mode: 0o700 }
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

function applyRename(names: Map<string, Node>, { remove, add }: Rename): void {
  if (remove !== null) names.delete(remove)
  if (add !== null) names.set(...add)
}

function applyChange(content: Buffer, change: Change): Buffer {
  const length = change.is === 'truncate' ? change.length : change.position + change.bytes.length
  const size = change.is === 'truncate' ? length : Math.max(length, content.length)
  const next = Buffer.alloc(size)
  content.copy(next)
  if (change.is === 'write') change.bytes.copy(next, change.position)
  return next
}

/** Each change since the last sync is kept, lost, torn, or there as zeros. */
function settleFile(file: FileNode, choose: Choose): void {
  let content = file.durable
  for (const change of file.unsynced) {
    const fate = choose(4)
    if (fate === 1) continue
    if (fate === 0 || change.is === 'truncate') {
      content = applyChange(content, change)
    } else {
      const kept = fate === 2 ? choose(change.bytes.length + 1) : 0
      const bytes = Buffer.alloc(fate === 2 ? kept : change.bytes.length)
      change.bytes.copy(bytes, 0, 0, kept)
      content = applyChange(content, { ...change, bytes })
    }
  }
  file.durable = content
  file.current = content
  file.unsynced = []
}

function settleDirectory(directory: DirectoryNode, choose: Choose): void {
  const names = new Map(directory.durable)
  for (const rename of directory.unsynced) if (choose(2) === 0) applyRename(names, rename)
  directory.durable = names
  directory.current.clear()
  for (const [name, node] of names) directory.current.set(name, node)
  directory.unsynced = []
}

/** An error as the system gives it. */
export function systemError(code: string, path: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: ${path}`), { code })
}
