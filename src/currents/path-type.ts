import { dirname, isAbsolute, resolve } from 'node:path'
import { catalogueType, isCurrentsName, typeOfOtherShareTable, typeSpelledIn } from './event-type.ts'
import { spellsOnePart, type TableType, typeOfTableName } from './table-name.ts'

/** What a path says of the file's records (src/README.md §2). */
export interface PathType {
  /** Event type, known or not; null when the path names none, or may mean several. */
  readonly type: string | null
  /** The file comes from Braze's Snowflake share: its `…_API_ID` columns are what the connector sends. */
  readonly isShare: boolean
  /** The words of a name of which only the end of a type was taken; null when the path spells the type. */
  readonly spelled: string | null
  /** The types that a name may mean, when they are several. */
  readonly candidates: readonly string[]
}

const PARTITION = 'event_type='

/**
 * The event type that a path names, the first of: a segment `event_type=…`, known or not; the file name, else the nearest folder, that
 * spells a type, known or not; the same of the folder that the path is relative to; the file name, else the nearest folder, that spells
 * the end of exactly one type; a name that has the form of a type. Of an absolute path only the file's name and that of its folder may
 * spell the end of a type, so that nothing is taken for one by accident.
 */
export function typeOfPath(path: string): PathType {
  const segments = path.split('/').reverse()
  const isShare = segments.some(isOfShare)
  const said = typeSaidBy(segments)
  if (said !== null) return { type: said, isShare, spelled: null, candidates: [] }
  const outer = isAbsolute(path) ? null : outerType(path)
  if (outer !== null) return { ...outer, isShare: isShare || outer.isShare }
  const found = tableTypeOf(segments, isAbsolute(path))
  if (found.type !== null) return { isShare, ...found }
  const other = otherType(segments)
  return { isShare, type: other, spelled: null, candidates: other === null ? found.candidates : [] }
}

function isOfShare(segment: string): boolean {
  return /_SHARED(?![a-z])/i.test(segment)
}

function typeSaidBy(segments: readonly string[]): string | null {
  for (const segment of segments) {
    if (!segment.startsWith(PARTITION)) continue
    const name = segment.slice(PARTITION.length)
    if (name !== '') return catalogueType(name) ?? (isCurrentsName(name) ? name : (tableType(name) ?? name))
  }
  for (const segment of segments) {
    const type = typeSpelledIn(segment)
    if (type !== null) return type
  }
  return null
}

function tableType(name: string): string | null {
  return typeSpelledIn(name) ?? typeOfTableName(name).type
}

/** What was found last: nearly all paths of a run are relative to one folder. */
let outerFolder = ''
let outerFound: PathType | null = null

/** What the folder says that a relative path starts from. */
function outerType(path: string): PathType | null {
  const folder = path.startsWith('..') ? dirname(resolve(path)) : process.cwd()
  if (folder !== outerFolder) {
    const segments = folder.split('/').reverse()
    const type = typeSaidBy(segments)
    outerFound = type === null ? null : { type, isShare: segments.some(isOfShare), spelled: null, candidates: [] }
    outerFolder = folder
  }
  return outerFound
}

/** What names spell the end of; of several types that the file name may mean, the one that a folder names too. */
function tableTypeOf(segments: readonly string[], isFullPath: boolean): TableType {
  const [file = '', ...folders] = segments
  const own = typeOfTableName(file)
  if (own.type !== null) return own
  const nearest = folders.filter((folder) => !folder.includes('=') && /[a-z]/i.test(folder)).slice(0, 1)
  for (const folder of isFullPath ? nearest : folders) {
    const found = typeOfTableName(folder)
    if (found.type === null || (isFullPath && spellsOnePart(folder))) continue
    if (own.candidates.length === 0 || own.candidates.includes(found.type)) return found
  }
  return own
}

/** A type of a root that is new: a table of the share, or a dotted name. Files end in what is no part of their name. */
function otherType([file = '', ...folders]: readonly string[]): string | null {
  const name = file.replace(/(?:\.[a-z\d]{1,7})+$/, '')
  if (isOfShare(file)) return typeOfOtherShareTable(file)
  if (isCurrentsName(name)) return name
  const table = folders.find((folder) => isOfShare(folder) && folder === folder.toUpperCase())
  return (table === undefined ? null : typeOfOtherShareTable(table)) ?? folders.find(isCurrentsName) ?? null
}

/** The version of Currents that a path names, as Braze writes it (currents/README.md §1): 13 of `…/version=13/…`; null when it names none. */
export function versionOfPath(path: string): number | null {
  const segment = path.split('/').findLast((part) => /^version=\d{1,9}$/.test(part))
  return segment === undefined ? null : Number(segment.slice('version='.length))
}
