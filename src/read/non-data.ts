import { isTableWithoutEvents } from '../currents/table-name.ts'

/** What lies beside the data of an export and is none (src/README.md §2). */

/** Files that export tools write beside the data, and the marks that stand for folders in object storage. */
const BESIDE_DATA =
  /^(_SUCCESS|_started.*|_committed.*|_temporary|_metadata|_common_metadata|_delta_log|.*\.(crc|md5|sha1|sha256|sha512)|(.*[._-])?manifest([._-].*)?|.*_\$folder\$)$/i

/** Copies under way, by what copying tools write at the end of a name. */
const HALF_COPIED = /(?:~|\.(?:tmp|temp|part|partial|filepart|crdownload|download|inprogress|_COPYING_|gstmp))$/i

/** The end of a whole name, and what `aws s3 cp` (8 hex digits) or `rsync` (6 letters and digits) adds to it until the copy is done. */
const WITH_RANDOM_END =
  /\.(?:avro|json|ndjson|jsonl|csv|tsv|txt|gz|gzip|zst|bz2|xz|zip|parquet|orc)\.([\dA-Za-z]{6}|[\dA-Fa-f]{8})$/
/** `20260102` is a date, `partab` the part of a split file, and `Backup` a word. */
const IS_RANDOM = /^(?=.*[A-Za-z])[\dA-Fa-f]{8}$|^(?=.*\d)(?=.*[a-z])(?=.*[A-Z])|^(?=.*[a-z]).+[A-Z]/

/** True for a hidden file or folder, and for what is plainly no data. */
export function isNonData(name: string, isFolder: boolean): boolean {
  if (name.startsWith('.') || BESIDE_DATA.test(name) || HALF_COPIED.test(name)) return true
  if (isFolder && name.startsWith('_') && !name.includes('=')) return true
  return isTableWithoutEvents(name) || (!isFolder && IS_RANDOM.test(WITH_RANDOM_END.exec(name)?.[1] ?? ''))
}
