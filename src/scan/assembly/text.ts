/** JSON tokens on bytes. Every function reads forwards and stops at a newline at the latest, whatever stands behind it. */

export const QUOTE: u8 = 0x22
export const BACKSLASH: u8 = 0x5c
const MINUS: u8 = 0x2d
const ZERO: u8 = 0x30

/** Of the 16 bytes at `at`, those that no string holds as they are: bit `i` is byte `i`. */
// @ts-ignore: AssemblyScript has decorators of functions, TypeScript has none
@inline
function stops(at: usize): i32 {
  const bytes = v128.load(at)
  const quotes = i8x16.eq(bytes, i8x16.splat(QUOTE))
  const backslashes = i8x16.eq(bytes, i8x16.splat(BACKSLASH))
  const controls = i8x16.lt_u(bytes, i8x16.splat(0x20))
  return i8x16.bitmask(v128.or(v128.or(quotes, backslashes), controls))
}

/** The first quote, backslash or control character at `at` or behind it. */
// @ts-ignore: AssemblyScript has decorators of functions, TypeScript has none
@inline
export function endOfPlainText(at: usize): usize {
  let p = at
  while (true) {
    const found = stops(p)
    if (found != 0) return p + ctz(found)
    p += 16
  }
}

/** The position behind the closing quote of the string whose plain text ends at `at`; 0 when it is no JSON string. */
export function endOfEscapedText(at: usize): usize {
  let p = at
  while (load<u8>(p) == BACKSLASH) {
    const letter = load<u8>(p, 1)
    if (letter == 0x75) {
      for (let digit: usize = 2; digit < 6; digit++) if (!isHexDigit(load<u8>(p + digit))) return 0
      p += 6
    } else if (isShortEscape(letter)) p += 2
    else return 0
    p = endOfPlainText(p)
  }
  return load<u8>(p) == QUOTE ? p + 1 : 0
}

// @ts-ignore: AssemblyScript has decorators of functions, TypeScript has none
@inline
function isHexDigit(c: u8): bool {
  return <u8>(c - ZERO) < 10 || <u8>((c | 0x20) - 0x61) < 6
}

/** True for what may follow a backslash but `u`: `" \ / b f n r t`. */
// @ts-ignore: AssemblyScript has decorators of functions, TypeScript has none
@inline
function isShortEscape(c: u8): bool {
  return (
    c == QUOTE || c == BACKSLASH || c == 0x2f || c == 0x62 || c == 0x66 || c == 0x6e || c == 0x72 || c == 0x74
  )
}

/** The first byte at `at` or behind it that is no digit. */
// @ts-ignore: AssemblyScript has decorators of functions, TypeScript has none
@inline
export function endOfDigits(at: usize): usize {
  let p = at
  while (true) {
    const others = i8x16.bitmask(i8x16.gt_u(i8x16.sub(v128.load(p), i8x16.splat(ZERO)), i8x16.splat(9)))
    if (others != 0) return p + ctz(others)
    p += 16
  }
}

/** The position behind the whole part of the number at `at`, sign included; 0 when there is none. */
// @ts-ignore: AssemblyScript has decorators of functions, TypeScript has none
@inline
export function endOfWhole(at: usize): usize {
  const first = load<u8>(at) == MINUS ? at + 1 : at
  const end = endOfDigits(first)
  if (end == first || (load<u8>(first) == ZERO && end != first + 1)) return 0
  return end
}

/** The position behind the fraction and exponent at `at`, either of which may lack; 0 when one is broken. */
// @ts-ignore: AssemblyScript has decorators of functions, TypeScript has none
@inline
export function endOfFraction(at: usize): usize {
  let p = at
  if (load<u8>(p) == 0x2e) {
    const digits = p + 1
    p = endOfDigits(digits)
    if (p == digits) return 0
  }
  if ((load<u8>(p) | 0x20) == 0x65) {
    let digits = p + 1
    const sign = load<u8>(digits)
    if (sign == 0x2b || sign == MINUS) digits++
    p = endOfDigits(digits)
    if (p == digits) return 0
  }
  return p
}
