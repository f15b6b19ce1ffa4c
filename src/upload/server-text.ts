import { LONGEST_ANSWER_TEXT } from '../amplitude/limits.ts'

/** Replaces the key. */
const MASK = '[key]'
/** A piece of the key with this many characters is masked like the whole key: a text may end in the middle of the key. */
const PIECE_CHARACTERS = 8
/** Characters that a shorter piece can take, in any spelling. They are dropped where a long text is cut. */
const CUT_CHARACTERS = 8 * PIECE_CHARACTERS

/**
 * Makes a text of the other side safe to show and to store. The result has no API key or piece of it and nothing that a terminal would
 * obey, is on one line, and has at most `limit` characters. Every text from a body, a header, a proxy or an error of the network must
 * go through this function.
 */
export function serverText(text: string, key: string, limit: number): string {
  // A text can be megabytes, so it is cut first. The cut may leave a piece of the key that is too short to be masked.
  const isCut = text.length >= LONGEST_ANSWER_TEXT
  const safe = masked(text.slice(0, LONGEST_ANSWER_TEXT), key).slice(0, isCut ? -CUT_CHARACTERS : undefined)
  return visible(safe.replace(/\s+/g, ' ').trim())
    .slice(0, limit)
    .replace(/[\ud800-\udbff]$/, '')
}

/** Shows control and format characters (terminal escapes, marks that change the direction of writing) as their numbers. */
function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`)
}

/**
 * `text` without the API key and its pieces. Amplitude echoes keys, and a proxy may show the whole request. So the key is also found
 * URL-encoded, JSON-escaped, HTML-escaped, in base64, in hex, in another case, and with invisible characters in it.
 */
export function masked(text: string, key: string): string {
  const pieces = piecesOf(key)
  if (pieces.size === 0) return text
  const { plain, starts, ends } = unescaped(text)
  let result = ''
  /** How far `text` is copied to `result` or masked. */
  let done = 0
  /** Where in `plain` the last piece that was found ends. */
  let found = 0
  const lengths = [...new Set([...pieces].map((piece) => piece.length))]
  for (let at = 0; at < plain.length; at++) {
    for (const length of lengths) {
      const end = at + length
      if (end <= found || end > plain.length || !pieces.has(plain.slice(at, end))) continue
      // Pieces that overlap or touch become one mask.
      if (at > found || found === 0) result += text.slice(done, starts[at]) + MASK
      found = end
      done = ends[end - 1] as number
    }
  }
  return result + text.slice(done)
}

/** Every 8 characters in a row of the key's spellings, in lower case. A shorter spelling counts whole. */
function piecesOf(key: string): ReadonlySet<string> {
  const pieces = new Set<string>()
  for (const spelling of spellingsOf(key)) {
    const text = spelling.toLowerCase()
    const length = Math.min(PIECE_CHARACTERS, text.length)
    for (let at = 0; length > 0 && at + length <= text.length; at++) pieces.add(text.slice(at, at + length))
  }
  return pieces
}

/** The ways to write the key: as `unescaped` shows it, in hex, and in base64 at each offset that text before the key may cause. */
function spellingsOf(key: string): readonly string[] {
  const bytes = Buffer.from(key)
  const inBase64 = [0, 1, 2].map((before) => {
    const whole = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replace(/=+$/, '')
    // The characters at both ends are left out: they also hold bits of the text beside the key.
    return whole.slice(before === 0 ? 0 : before + 1, (before + bytes.length) % 3 === 0 ? undefined : -1)
  })
  const long = inBase64.filter((text) => text.length >= PIECE_CHARACTERS)
  const forUrls = long.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'))
  // URL encoding writes single bytes, and a character may be several bytes: `latin1` spells the key a byte at a time.
  return [seen(key), seen(bytes.toString('latin1')), bytes.toString('hex'), ...long, ...forUrls]
}

/** `text` without white space, control and format characters. */
function seen(text: string): string {
  return text.replace(/[\s\p{Cc}\p{Cf}]+/gu, '')
}

const ESCAPES =
  /(?:%|\\x)([0-9a-f]{2})|\\u([0-9a-f]{4})|&#x([0-9a-f]{1,6});|&#([0-9]{1,7});|&(amp|lt|gt|quot|apos);|\\(.)|\s+|./gisu
const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

interface Unescaped {
  /** The text in lower case, without escapes and invisible characters. */
  readonly plain: string
  /** Where each character of `plain` begins and ends in the text. */
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
