import {
  KEY_LENGTH,
  KEY_SLOT_BYTES,
  KEY_SLOTS,
  KEY_TEXT,
  MAX_KEY_BYTES,
  MAX_KEYS,
  MEMORY_BYTES,
  TABLE,
  TABLE_SIZE,
} from './layout.ts'
import { endOfPlainText, QUOTE } from './text.ts'

/** The keys that the lines have, byte for byte, numbered in the order of their appearance. */

export let keyCount: u32 = 0

const COLON: u8 = 0x3a

/** Forgets all keys, and what followed them. */
export function forgetKeys(): void {
  memory.fill(KEY_SLOTS, 0, MEMORY_BYTES - KEY_SLOTS)
  keyCount = 0
}

// @ts-ignore: AssemblyScript has decorators of functions, TypeScript has none
@inline
export function textLength(slot: usize): usize {
  return <usize>load<u32>(slot, KEY_LENGTH)
}

/**
 * True when the key of `slot`, with its quotes and colon, stands at `at`. Of the 16 bytes of a step the next is read only when all are
 * the key's, so none of them is a newline.
 */
// @ts-ignore: AssemblyScript has decorators of functions, TypeScript has none
@inline
export function isKeyAt(at: usize, slot: usize): bool {
  let left = textLength(slot)
  let p = at
  let text = slot + KEY_TEXT
  while (true) {
    // Bits of 16 and more are set, so it is 16 at most.
    const same = <usize>ctz(~i8x16.bitmask(i8x16.eq(v128.load(p), v128.load(text))))
    if (left <= 16) return same >= left
    if (same < 16) return false
    left -= 16
    p += 16
    text += 16
  }
}

/** The slot of the key at `at`, which is added when it is new; 0 when there is no key without escapes before a colon, or no room. */
export function lookUp(at: usize): usize {
  if (load<u8>(at) != QUOTE) return 0
  const quote = endOfPlainText(at + 1)
  if (load<u8>(quote) != QUOTE || load<u8>(quote, 1) != COLON) return 0
  const length = quote + 2 - at
  if (length > MAX_KEY_BYTES) return 0
  let place = hashOf(at, length) & (TABLE_SIZE - 1)
  while (true) {
    const entry = TABLE + 4 * place
    const slot = <usize>load<u32>(entry)
    if (slot == 0) return add(at, length, entry)
    if (isKeyAt(at, slot)) return slot
    place = (place + 1) & (TABLE_SIZE - 1)
  }
}

/** FNV-1a. */
// @ts-ignore: AssemblyScript has decorators of functions, TypeScript has none
@inline
function hashOf(at: usize, length: usize): u32 {
  let hash: u32 = 0x811c9dc5
  for (let p = at; p < at + length; p++) hash = (hash ^ load<u8>(p)) * 0x01000193
  return hash ^ (hash >>> 15)
}

function add(at: usize, length: usize, entry: usize): usize {
  if (keyCount == MAX_KEYS) return 0
  const slot = KEY_SLOTS + <usize>keyCount * KEY_SLOT_BYTES
  keyCount++
  memory.copy(slot + KEY_TEXT, at, length)
  store<u32>(slot, <u32>length, KEY_LENGTH)
  store<u32>(entry, <u32>slot)
  return slot
}
