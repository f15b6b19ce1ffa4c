import type { Dirent } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join, normalize, resolve } from 'node:path'
import { UsageError } from '../errors.ts'
import type { Source } from '../model.ts'
import { createFileList, type FileList, type LeftOut, STDIN, type TakenName } from './file-list.ts'
import { isNonData } from './non-data.ts'
import { refuseRemotePaths } from './remote-path.ts'

export interface Discovery {
  readonly count: number
  /** Hidden files and plain non-data that were left out. */
  readonly leftOut: LeftOut
  /** Names of which only the end of an event type was taken, each once. */
  readonly takenNames: readonly TakenName[]
  /** The paths as they were given. */
  readonly paths: readonly string[]
  /** The inputs in the run's order (src/README.md §2). */
  sources(): Iterable<Source>
}

/**
 * Finds every input of a run and orders all of them together: by the `date=` partition of the path, then event type, then
 * path; those without `date=` come first. Holds one string and twelve bytes per file, so 900,000 hourly files stay small.
 *
 * @param paths files, directories (walked recursively), globs, or `-`
 * @param own a directory that is not walked: what the run keeps there is no input
 * @throws UsageError when a path does not exist or matches nothing
 */
export async function discover(paths: readonly string[], own: string | null = null): Promise<Discovery> {
  const except = own === null ? null : resolve(own)
  const found = createFileList()
  if (paths.includes(''))
    throw new UsageError('a path is empty', { hint: 'Perhaps a variable of your shell is not set.' })
  refuseRemotePaths(paths)
  const given = new Map(
    paths.map((path) => [path === STDIN ? STDIN : resolve(path), path === STDIN ? STDIN : normalize(path)]),
  )
  const directories = new Map<string, { readonly isNamed: boolean }>()
  const files: string[] = []
  const leftOut = new Set<string>()
  let hasStdin = false

  for (const path of given.values()) {
    if (path === STDIN) {
      hasStdin = true
      continue
    }
    const { matches, others, isNamed } = await expand(path)
    for (const other of others) leftOut.add(other)
    for (const match of matches) {
      if ((await stat(match)).isDirectory())
        directories.set(match, { isNamed: isNamed || directories.get(match)?.isNamed === true })
      else files.push(match)
    }
  }

  const roots = new Set(Array.from(directories.keys(), (path) => resolve(path)))
  const realRoots = new Set(await Promise.all(Array.from(directories.keys(), (path) => realpath(path))))
  for (const [directory, { isNamed }] of directories) {
    if (isInside(dirname(resolve(directory)), roots)) continue
    const before = found.count()
    await walk(directory, found, { roots: realRoots, entered: new Set(), except })
    if (found.count() === before && isNamed) {
      throw new UsageError(`no input files in ${directory}`, {
        hint: 'Name a directory that holds export files, or the files themselves.',
      })
    }
  }
  for (const path of leftOut) if (!isInside(dirname(resolve(path)), roots)) found.leaveOut(path)
  const taken = new Set<string>()
  for (const file of files) {
    const full = resolve(file)
    const isWalked = isInside(dirname(full), roots) && !isNonData(basename(file), false)
    if (!isWalked && !taken.has(full)) found.add(file)
    taken.add(full)
  }
  if (found.count() === 0 && !hasStdin) {
    throw new UsageError(`no input files match ${[...given.values()].join(' ')}`, {
      hint: 'Check the patterns and where you stand.',
    })
  }

  return {
    count: found.count() + (hasStdin ? 1 : 0),
    leftOut: found.leftOut(),
    takenNames: found.takenNames(),
    paths,
    *sources() {
      let number = 0
      if (hasStdin) yield { path: STDIN, number: number++ }
      for (const path of found.inOrder()) yield { path, number: number++ }
    },
  }
}

/** What a path stands for: itself, or what a pattern matches. */
interface Expanded {
  readonly matches: readonly string[]
  /** What it matches and is no data: the uppermost folder that is none, or the file. */
  readonly others: ReadonlySet<string>
  readonly isNamed: boolean
}

/** A path that exists stands for itself, whatever characters it holds; anything else must be a glob that matches. */
async function expand(path: string): Promise<Expanded> {
  try {
    await stat(path)
    return { matches: [path], others: new Set(), isNamed: true }
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code
    if (code !== 'ENOENT' && code !== 'ENOTDIR' && code !== 'ENAMETOOLONG') {
      throw new UsageError(`cannot read ${path}: ${(cause as Error).message}`, { cause })
    }
  }
  // Few runs are given a pattern, and its library takes longer to load than a small run.
  const { glob, isDynamicPattern } = await import('tinyglobby')
  if (!isDynamicPattern(path)) {
    throw new UsageError(`no such file or directory: ${path}`, { hint: 'Check the path, or use - for standard input.' })
  }
  const matches = await glob(path, { absolute: isAbsolute(path), expandDirectories: false, onlyFiles: false })
  if (matches.length === 0)
    throw new UsageError(`nothing matches ${path}`, { hint: 'Check the pattern and where you stand.' })
  const named = new Set(path.split('/'))
  const others = new Set<string>()
  const data = matches.filter((match) => {
    const names = match.split('/')
    const at = names.findIndex((name, i) => isNonData(name, i < names.length - 1) && !named.has(name))
    if (at >= 0) others.add(names.slice(0, at + 1).join('/'))
    return at < 0
  })
  if (data.length === 0) throw new UsageError(`${path} matches no data, only files such as ${matches[0]}`)
  return { matches: data.map((match) => normalize(match).replace(/(?<=.)\/$/, '')), others, isNamed: false }
}

function isInside(directory: string, roots: ReadonlySet<string>): boolean {
  for (let current = directory; ; current = dirname(current)) {
    if (roots.has(current)) return true
    if (current === dirname(current)) return false
  }
}

async function walk(directory: string, found: FileList, links: Links): Promise<void> {
  let entries: Dirent[]
  try {
    entries = await readdir(directory, { withFileTypes: true })
  } catch (cause) {
    throw new UsageError(`cannot read ${directory}: ${(cause as Error).message}`, { cause })
  }
  for (const entry of entries) {
    const path = join(directory, entry.name)
    const isOwn = entry.isDirectory() && resolve(path) === links.except
    if (isNonData(entry.name, entry.isDirectory()) || isOwn) {
      found.leaveOut(path)
    } else if (entry.isDirectory()) {
      await walk(path, found, links)
    } else if (entry.isSymbolicLink()) {
      await walkLink(path, found, links)
    } else if (entry.isFile()) {
      found.add(path)
    } else {
      found.leaveOut(path)
    }
  }
}

/** What keeps links from reading anything twice, and a run from reading its own state. */
interface Links {
  readonly except: string | null
  /** The directories that are walked anyway, without links in their paths. */
  readonly roots: ReadonlySet<string>
  /** Where links on the way here lead to. */
  readonly entered: ReadonlySet<string>
}

/** Follows a link to what is not read anyway; one that leads to a directory above itself would be walked for ever. */
async function walkLink(path: string, found: FileList, links: Links): Promise<void> {
  const target = await realpath(path).catch(() => null)
  if (target === null) return found.leaveOut(path)
  const stats = await stat(target)
  const isReadAnyway = isInside(stats.isDirectory() ? target : dirname(target), links.roots)
  if (isReadAnyway && !isNonData(basename(target), stats.isDirectory())) return
  if (stats.isFile()) return found.add(path)
  const holdsRoot = Array.from(links.roots).some((root) => isInside(root, new Set([target])))
  if (!stats.isDirectory() || links.entered.has(target) || holdsRoot) return found.leaveOut(path)
  await walk(path, found, { ...links, entered: new Set(links.entered).add(target) })
}
