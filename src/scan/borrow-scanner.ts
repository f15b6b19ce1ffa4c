import { readFileSync } from 'node:fs'
import { createLineScanner, type LineScanner } from './line-scanner.ts'
import { moduleOf, type WasmModule } from './web-assembly.ts'

/** The environment variable that says how lines are scanned: `js` keeps WebAssembly away. */
const SCANNER_VARIABLE = 'BRAZE2AMP_SCANNER'

/** Undefined until it is asked for; null where there is no WebAssembly, or no file. */
let compiled: WasmModule | null | undefined
/** Scanners that nobody works with. */
const idle: LineScanner[] = []

/** Lends a scanner until `giveBack`; null when lines are to be scanned in JavaScript alone. */
export function borrowScanner(): LineScanner | null {
  if (process.env[SCANNER_VARIABLE] === 'js') return null
  if (compiled === undefined) compiled = compile()
  if (compiled === null) return null
  return idle.pop() ?? createLineScanner(compiled)
}

/** Takes back a scanner: its input and all that it found are another's from now on. */
export function giveBack(scanner: LineScanner): void {
  idle.push(scanner)
}

function compile(): WasmModule | null {
  try {
    return moduleOf(readFileSync(new URL('./scan.wasm', import.meta.url)))
  } catch {
    // What it does is done in JavaScript as well, only slower.
    return null
  }
}
