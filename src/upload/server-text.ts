import { LONGEST_ANSWER_TEXT } from '../amplitude/limits.ts'

/** What stands where the key stood. */
const MASK = '[key]'
/** A piece of the key of so many characters is masked as the whole is: a text may end in the middle of it. */
const PIECE_CHARACTERS = 8

/**
 * A text of the other side, made safe to show and to store: without the API key or a piece of it, on one line, without what a terminal
 * would obey, and not longer than `limit` characters. Every such text goes through here: what a body, a header, a proxy or an error of
 * the network says.
 */
export function serverText(text: string, key: string, limit: number): string {
  // A text can be megabytes. Where it is cut here, a piece of the key is left at most, and that is masked.
  const line = text.slice(0, LONGEST_ANSWER_TEXT).replace(/\s+/g, ' ').trim()
  return visible(masked(line, key))
    .slice(0, limit)
    .replace(/[\ud800-\udbff]$/, '')
}

/** Control and format characters (escapes of a terminal, marks that turn the direction of writing) as their numbers. */
function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`)
}

/**
 * `text` without the API key and its pieces, also where they are URL-encoded, JSON-escaped, HTML-escaped, in base64, in hex, in
 * another case or broken by what is not seen: Amplitude echoes keys, and a proxy may show the whole request.
 */
export function masked(text: string, key: string): string {
  const pieces = piecesOf(key)
  if (pieces.size === 0) return text
  const { plain, starts, ends } = unescaped(text)
  let result = ''
  /** Of `text`, what is in `result` or masked. */
  let done = 0
  /** Of `plain`, where the piece ends that was found last. */
  let found = 0
  const lengths = [...new Set([...pieces].map((piece) => piece.length))]
  for (let at = 0; at < plain.length; at++) {
    for (const length of lengths) {
      const end = at + length
      if (end <= found || end > plain.length || !pieces.has(plain.slice(at, end))) continue
      // Pieces that overlap or touch are one stretch of the key.
      if (at > found || found === 0) result += text.slice(done, starts[at]) + MASK
      found = end
      done = ends[end - 1] as number
    }
  }
  return result + text.slice(done)
}

/** Every stretch of 8 characters of the key's spellings, in lower case; a shorter key whole. */
function piecesOf(key: string): ReadonlySet<string> {
  const pieces = new Set<string>()
  for (const spelling of spellingsOf(key)) {
    const text = spelling.toLowerCase()
    const length = Math.min(PIECE_CHARACTERS, text.length)
    for (let at = 0; length > 0 && at + length <= text.length; at++) pieces.add(text.slice(at, at + length))
  }
  return pieces
}

/** The key as `unescaped` shows it, and as hex and base64 do, whatever stands before it. */
function spellingsOf(key: string): readonly string[] {
  const bytes = Buffer.from(key)
  const inBase64 = [0, 1, 2].map((before) => {
    const whole = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replace(/=+$/, '')
    // The characters at both ends hold bits of what stands beside the key.
    return whole.slice(before === 0 ? 0 : before + 1, (before + bytes.length) % 3 === 0 ? undefined : -1)
  })
  const long = inBase64.filter((text) => text.length >= PIECE_CHARACTERS)
  const forUrls = long.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'))
  // What is URL-encoded is bytes, of which a character may be several.
  return [seen(key), seen(bytes.toString('latin1')), bytes.toString('hex'), ...long, ...forUrls]
}

/** Without white space, control and format characters. */
function seen(text: string): string {
  return text.replace(/[\s\p{Cc}\p{Cf}]+/gu, '')
}

const ESCAPES =
  /(?:%|\\x)([0-9a-f]{2})|\\u([0-9a-f]{4})|&#x([0-9a-f]{1,6});|&#([0-9]{1,7});|&(amp|lt|gt|quot|apos);|\\(.)|\s+|./gisu
const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

interface Unescaped {
  /** In lower case, without escapes and what is not seen. */
  readonly plain: string
  /** Where each character of `plain` begins in the text, and where it ends. */
  readonly starts: readonly number[]
  readonly ends: readonly number[]
}

function unescaped(text: string): Unescaped {
  const starts: number[] = []
  const ends: number[] = []
  let plain = ''
  for (const match of text.matchAll(ESCAPES)) {
    const [whole, urlHex, jsonHex, htmlHex, htmlDecimal, named, escaped] = match
    const hex = urlHex ?? jsonHex ?? htmlHex
    const code = hex === undefined ? Number(htmlDecimal) : Number.parseInt(hex, 16)
    let character = seen(whole)
    if (code <= 0x10ffff) character = seen(String.fromCodePoint(code))
    else if (named !== undefined) character = NAMED[named.toLowerCase()] ?? ''
    else if (escaped !== undefined) character = escaped
    const lower = character.toLowerCase()
    plain += lower
    for (let unit = 0; unit < lower.length; unit++) {
      starts.push(match.index)
      ends.push(match.index + whole.length)
    }
  }
  return { plain, starts, ends }
}
