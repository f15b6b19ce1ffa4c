import { createServer } from 'node:http'

/**
 * An Amplitude that takes everything and looks at nothing: it counts the bytes of a body and answers 200. Prints its port on
 * standard output; ends with its standard input.
 */
const server = createServer((request, response) => {
  let bytes = 0
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length
  })
  request.on('end', () => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ code: 200, payload_size_bytes: bytes, server_upload_time: 0 }))
  })
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  process.stdout.write(`${typeof address === 'object' ? address?.port : ''}\n`)
})
process.stdin.on('end', () => process.exit()).resume()
