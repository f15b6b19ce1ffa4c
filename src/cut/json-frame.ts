import { jsonParser, type Token } from 'stream-json/core/parser.js'

/**
 * Reads envelopes as if their lists of records were empty: what stands around the records may be any JSON of any size, of which nothing
 * needs to be kept.
 */
export interface EnvelopeFrame {
  /**
   * Takes text that follows what it was given before.
   * @throws Error when that is no JSON
   */
  take(text: string): void
  /** Brackets that are open. */
  depth(): number
  /** The last key of the envelope itself. */
  key(): string
}

export function createEnvelopeFrame(): EnvelopeFrame {
  const parse = jsonParser({ packStrings: false, packNumbers: false, streamKeys: false, jsonStreaming: true })
  let depth = 0
  let key = ''

  function see(token: Token): void {
    if (token.name === 'startObject' || token.name === 'startArray') depth++
    else if (token.name === 'endObject' || token.name === 'endArray') depth--
    else if (token.name === 'keyValue' && depth === 1) key = token.value
  }

  return {
    take(text) {
      const tokens = parse(text)
      if (typeof tokens !== 'symbol') for (const token of tokens.values) see(token)
    },
    depth: () => depth,
    key: () => key,
  }
}
