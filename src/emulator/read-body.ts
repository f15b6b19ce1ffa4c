import type { IncomingMessage } from 'node:http'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { INVALID_JSON, type Refusal, TOO_LARGE, UNSUPPORTED_ENCODING } from './answers.ts'

const gunzipAsync = promisify(gunzip)

interface BodyOptions {
  /** Counted on the uncompressed body (amplitude/README.md §1). */
  readonly maxBodyBytes: number
  readonly refuseGzip: boolean
}

/**
 * Reads a body to its end, unzipped; or says why it is refused. A body that is too large is read to its end as well, without
 * keeping it, so that its sender gets to see the 413. Rejects when the connection ends early.
 */
export async function readBody(request: IncomingMessage, options: BodyOptions): Promise<Buffer | Refusal> {
  const { maxBodyBytes, refuseGzip } = options
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of request as AsyncIterable<Buffer>) {
    bytes += piece.length
    if (bytes <= maxBodyBytes) pieces.push(piece)
    else pieces.length = 0
  }
  const encoding = (request.headers['content-encoding'] ?? 'identity').toLowerCase()
  const known = encoding === 'identity' || (encoding === 'gzip' && !refuseGzip)
  if (!known) return UNSUPPORTED_ENCODING
  if (bytes > maxBodyBytes) return TOO_LARGE
  const body = Buffer.concat(pieces, bytes)
  return encoding === 'gzip' ? unzip(body, maxBodyBytes) : body
}

async function unzip(body: Buffer, maxBodyBytes: number): Promise<Buffer | Refusal> {
  try {
    // Stops inflating at the limit: a small body can hold gigabytes.
    return await gunzipAsync(body, { maxOutputLength: maxBodyBytes })
  } catch (error) {
    return error instanceof RangeError ? TOO_LARGE : INVALID_JSON
  }
}
