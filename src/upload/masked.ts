/** What stands where the key stood. */
const MASK = '[key]'

/**
 * `text` without the API key, also where it is URL-encoded, JSON-escaped or in another case: Amplitude echoes keys, and a proxy
 * may show the whole request.
 */
export function masked(text: string, key: string): string {
  if (key === '') return text
  const encoded = encodeURIComponent(key)
  const forms = new Set([
    key,
    encoded,
    encoded.replaceAll('%20', '+'),
    encodeURI(key),
    JSON.stringify(key).slice(1, -1),
    Buffer.from(key).toString('base64'),
  ])
  let result = text
  // The longest first: a form inside another would leave the rest of it.
  for (const form of [...forms].sort((one, other) => other.length - one.length)) {
    result = result.replace(new RegExp(form.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'), 'gi'), MASK)
  }
  return result
}
