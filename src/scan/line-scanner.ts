import { textOf } from '../json/bytes.ts'
import type { FieldEntries } from '../model.ts'
import { instanceOf, type WasmGlobal, type WasmMemory, type WasmModule } from './web-assembly.ts'

/** Finds the members of the objects of NDJSON in WebAssembly, 16 bytes a step (`assembly/scan.ts`). It owns the memory that it works in. */
export interface LineScanner {
  /** The lines of a chunk are put here, from its beginning on. */
  readonly input: Uint8Array
  /** Forgets the entries of the chunk before; the keys too, when there is no room for another. */
  clear(): void
  /**
   * Takes lines, one after the other, from `from` on: an object each, in which nothing nests but plain lists, with at most one space
   * behind a colon or comma. It stops before every other line. The byte before `end` must be a newline.
   * @returns where the first line begins that was not taken; `end` when all were
   */
  scan(from: number, end: number): number
  /** How many lines the last scan took. */
  lineCount(): number
  /** Where the object of each of them starts and ends in the input, and its first entry. The columns are longer, and used again. */
  readonly lines: LineColumns
  /** How many entries there are since `clear`. */
  entryCount(): number
  /** All entries since `clear`; those of record `i` are `[firsts[i], firsts[i + 1])`. They stay until `clear`. */
  entriesOf(firsts: Int32Array): FieldEntries
}

interface LineColumns {
  readonly starts: Int32Array
  readonly ends: Int32Array
  readonly firsts: Int32Array
}

/** What `assembly/scan.ts` exports; addresses and lengths in bytes. */
interface Exports extends Layout {
  readonly memory: WasmMemory
  readonly scan: (from: number, end: number) => number
  readonly rowCount: WasmGlobal
  readonly entryCount: WasmGlobal
  readonly keyCount: WasmGlobal
  readonly forgetKeys: () => void
}

type Layout = Readonly<Record<(typeof LAYOUT)[number], WasmGlobal>>

const LAYOUT = [
  'INPUT',
  'INPUT_BYTES',
  'ROW_STARTS',
  'ROW_ENDS',
  'ROW_FIRSTS',
  'MAX_ROWS',
  'ENTRY_STARTS',
  'ENTRY_ENDS',
  'ENTRY_KEYS',
  'ENTRY_KINDS',
  'MAX_ENTRIES',
  'MAX_KEYS',
  'KEY_SLOTS',
  'KEY_SLOT_BYTES',
  'KEY_LENGTH',
  'KEY_TEXT',
  'MEMORY_BYTES',
] as const

const PAGE_BYTES = 1 << 16

export function createLineScanner(module: WasmModule): LineScanner {
  const { memory, scan, rowCount, entryCount, keyCount, forgetKeys, ...layout } = instanceOf(module) as Exports
  const at = (name: keyof Layout): number => layout[name].value
  // Once, before the first view: growing takes the memory away from those that there are.
  memory.grow(Math.ceil((at('MEMORY_BYTES') - memory.buffer.byteLength) / PAGE_BYTES))
  const { buffer } = memory
  const input = Buffer.from(buffer, at('INPUT'), at('INPUT_BYTES'))
  const lines: LineColumns = {
    starts: new Int32Array(buffer, at('ROW_STARTS'), at('MAX_ROWS')),
    ends: new Int32Array(buffer, at('ROW_ENDS'), at('MAX_ROWS')),
    firsts: new Int32Array(buffer, at('ROW_FIRSTS'), at('MAX_ROWS')),
  }
  let names: string[] = []
  const entries = {
    keys: new Uint16Array(buffer, at('ENTRY_KEYS'), at('MAX_ENTRIES')),
    kinds: new Uint8Array(buffer, at('ENTRY_KINDS'), at('MAX_ENTRIES')),
    starts: new Int32Array(buffer, at('ENTRY_STARTS'), at('MAX_ENTRIES')),
    ends: new Int32Array(buffer, at('ENTRY_ENDS'), at('MAX_ENTRIES')),
  }
  const bytes = new Uint8Array(buffer)
  const view = new DataView(buffer)

  /** The key of a slot, without its quotes and the colon. */
  function nameOf(key: number): string {
    const slot = at('KEY_SLOTS') + key * at('KEY_SLOT_BYTES')
    const text = slot + at('KEY_TEXT')
    return textOf(bytes, text + 1, text + view.getUint32(slot + at('KEY_LENGTH'), true) - 2)
  }

  return {
    input,
    clear() {
      entryCount.value = 0
      if (keyCount.value < at('MAX_KEYS')) return
      forgetKeys()
      names = []
    },
    scan(from, end) {
      const stopped = scan(from, end)
      while (names.length < keyCount.value) names.push(nameOf(names.length))
      return stopped
    },
    lineCount: () => rowCount.value,
    lines,
    entryCount: () => entryCount.value,
    entriesOf: (firsts) => ({ names, firsts, ...entries }),
  }
}
