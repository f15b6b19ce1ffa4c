import { createReadStream, readdirSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import avsc from 'avsc'

/**
 * The least that a mapping program written plainly does: parse or decode each record, map it with a literal object, stringify,
 * write. No duplicates, no books, no checks, one shape of event.
 */
type Fields = Record<string, unknown>

function mapLiteral(record: Fields): string {
  return `${JSON.stringify({
    event_type: '[Appboy] Event',
    user_id: record['external_user_id'] ?? undefined,
    device_id: record['device_id'] ?? undefined,
    time: (record['time'] as number) * 1000,
    insert_id: record['id'],
    library: 'Braze',
    event_properties: {
      app_group_id: record['app_group_id'] ?? undefined,
      app_id: record['app_id'] ?? undefined,
      campaign_id: record['campaign_id'] ?? undefined,
      campaign_name: record['campaign_name'] ?? undefined,
      canvas_id: record['canvas_id'] ?? undefined,
      canvas_name: record['canvas_name'] ?? undefined,
      canvas_step_id: record['canvas_step_id'] ?? undefined,
      canvas_step_name: record['canvas_step_name'] ?? undefined,
      canvas_variation_id: record['canvas_variation_id'] ?? undefined,
      canvas_variation_name: record['canvas_variation_name'] ?? undefined,
      device_model: record['device_model'] ?? undefined,
      dispatch_id: record['dispatch_id'] ?? undefined,
      email_address: record['email_address'] ?? undefined,
      message_variation_id: record['message_variation_id'] ?? undefined,
      message_variation_name: record['message_variation_name'] ?? undefined,
      os_version: record['os_version'] ?? undefined,
      platform: record['platform'] ?? undefined,
      send_id: record['send_id'] ?? undefined,
      session_id: record['session_id'] ?? undefined,
      user_agent: record['user_agent'] ?? undefined,
    },
  })}\n`
}

function filesBelow(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? filesBelow(join(directory, entry.name)) : [join(directory, entry.name)],
  )
}

async function ndjsonFloor(path: string): Promise<void> {
  let rest = ''
  for await (const chunk of createReadStream(path, { encoding: 'utf8', highWaterMark: 1 << 20 })) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    let text = ''
    for (const line of lines) text += mapLiteral(JSON.parse(line))
    writeSync(1, text)
  }
}

/** `avsc` block by block: its type reads record after record from the block, no stream event in between. */
function avroFloor(path: string): void {
  const bytes = readFileSync(path)
  const headerType = avsc.Type.forSchema({
    type: 'record',
    name: 'Header',
    fields: [
      { name: 'magic', type: { type: 'fixed', name: 'Magic', size: 4 } },
      { name: 'meta', type: { type: 'map', values: 'bytes' } },
      { name: 'sync', type: { type: 'fixed', name: 'Sync', size: 16 } },
    ],
  })
  const header = headerType.decode(bytes, 0)
  const type = avsc.Type.forSchema(JSON.parse(header.value.meta['avro.schema'].toString()), { wrapUnions: false })
  const long = avsc.Type.forSchema('long')
  let at = header.offset
  while (at < bytes.length) {
    const count = long.decode(bytes, at)
    const size = long.decode(bytes, count.offset)
    at = size.offset
    let text = ''
    for (let i = 0; i < count.value; i++) {
      const record = type.decode(bytes, at)
      at = record.offset
      text += mapLiteral(record.value as Fields)
    }
    writeSync(1, text)
    at += 16
  }
}

const [, , format, directory] = process.argv
for (const path of filesBelow(directory ?? '')) {
  if (format === 'avro') avroFloor(path)
  else await ndjsonFloor(path)
}
