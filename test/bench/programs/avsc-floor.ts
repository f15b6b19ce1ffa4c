import { readFileSync, writeSync } from 'node:fs'
import avsc from 'avsc'
import { filesBelow } from './files-below.ts'
import { literalEvent } from './literal-event.ts'

/** As the plain floor, of Avro with codec null: `avsc` reads record after record from each block, no stream event in between. */

const HEADER = avsc.Type.forSchema({
  type: 'record',
  name: 'Header',
  fields: [
    { name: 'magic', type: { type: 'fixed', name: 'Magic', size: 4 } },
    { name: 'meta', type: { type: 'map', values: 'bytes' } },
    { name: 'sync', type: { type: 'fixed', name: 'Sync', size: 16 } },
  ],
})
const LONG = avsc.Type.forSchema('long')
const SYNC_BYTES = 16

for (const path of filesBelow(process.argv[2])) {
  const bytes = readFileSync(path)
  const header = HEADER.decode(bytes, 0)
  const type = avsc.Type.forSchema(JSON.parse(header.value.meta['avro.schema'].toString()), { wrapUnions: false })
  let at = header.offset
  while (at < bytes.length) {
    const count = LONG.decode(bytes, at)
    at = LONG.decode(bytes, count.offset).offset
    let text = ''
    for (let i = 0; i < count.value; i++) {
      const record = type.decode(bytes, at)
      at = record.offset
      text += literalEvent(record.value)
    }
    writeSync(1, text)
    at += SYNC_BYTES
  }
}
