import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { fieldNameOf, STORED_FIELDS } from '../../src/currents/fields.ts'
import { KIND } from '../../src/json/kind.ts'
import { createFieldLister, fieldNamed } from '../../src/map/record-fields.ts'
import { createRecordScanner } from '../../src/map/record-scanner.ts'
import { mapRecord, mapRecords, rawChunk } from '../harness.ts'

const OPEN = 'users.messages.email.Open'

test('a name is that of the field with its letters and digits', () => {
  for (const [spelled, name] of [
    ['external_user_id', 'external_user_id'],
    ['EXTERNAL_USER_ID', 'external_user_id'],
    ['External User ID', 'external_user_id'],
    ['externalUserId', 'external_user_id'],
    ['external-user.id', 'external_user_id'],
    ['campaignApiId', 'campaign_api_id'],
    ['SF Created At', 'sf_created_at'],
    ['eventType', 'event_type'],
    ['My Column', 'my column'],
    ['ñid', 'ñid'],
    ['', ''],
    ['…', '…'],
  ]) {
    assert.equal(fieldNameOf(spelled as string), name)
  }
  for (const name of STORED_FIELDS) assert.equal(fieldNameOf(name), name)
})

test('no two fields have the same letters and digits', () => {
  const squeezed = [...STORED_FIELDS].map((name) => name.replaceAll('_', ''))
  assert.equal(new Set(squeezed).size, STORED_FIELDS.size)
  for (const name of STORED_FIELDS) assert.equal(fieldNameOf(name.replaceAll('_', '')), name)
})

describe('a key of a record', () => {
  const PLAIN = '{"id":"a","external_user_id":"u","time":1767319200,"campaign_id":"c","is_amp":true}'

  test('may spell its field otherwise, in every record of a run', () => {
    const spelled =
      '{"Id":"a","externalUserId":"u","Time":1767319200,"odd":1,"Campaign ID":"c","i\\u0073Amp":true,"other key":{}}'
    const [plain, ...others] = mapRecords([PLAIN, spelled, spelled, PLAIN, spelled], { source: { fileType: OPEN } })
    for (const other of others) assert.equal(other.line, plain?.line)
  })

  test('that has the name itself counts before one that spells it otherwise, and the first of those', () => {
    for (const [record, campaign] of [
      ['{"campaignId":"x","campaign_id":"c"}', 'c'],
      ['{"CAMPAIGN_ID":"c","campaignId":"x"}', 'c'],
      ['{"campaignId":"c","Campaign Id":"x"}', 'c'],
      ['{"campaign_id":"x","campaign_id":"c","campaignId":"y"}', 'c'],
      ['{"campaignId":"x","c\\u0061mpaign_id":"c"}', 'c'],
    ] as const) {
      const whole = `{"id":"a","external_user_id":"u","time":1767319200,${record.slice(1)}`
      const { line } = mapRecord(whole, OPEN)
      assert.equal(JSON.parse(line ?? '').event_properties.campaign_id, campaign, record)
      const fields = createFieldLister()(rawChunk([Buffer.from(whole)]), 0)
      assert.equal(fieldNamed(fields, 'campaign_id')?.value, JSON.stringify(campaign), `explained: ${record}`)
    }
  })

  test('may do so in the Custom HTTP form', () => {
    const record =
      '{"eventType":"users.messages.email.Open","Id":"a","time":1767319200,"user":{"externalUserId":"u"},' +
      '"properties":{"campaignId":"c","isAmp":true,"Id":"x"}}'
    assert.equal(mapRecord(record, null).line, mapRecord(PLAIN, OPEN).line)
  })

  test('is found, whatever and however many there are', () => {
    const scanner = createRecordScanner(['id', 'external_user_id', 'time'], new Set(), new Set(['id']))
    const id = scanner.fieldOf('external_user_id')
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme', maxLength: 40 }), { maxLength: 40 }), (keys) => {
        fc.pre(keys.every((key) => fieldNameOf(key) !== 'external_user_id'))
        const members = [...keys.map((key) => `${JSON.stringify(key)}:1`), '"external User-id":"u"']
        const bytes = Buffer.from(`{${members.join(',')}}\n`)
        assert.ok(scanner.scan(bytes, 0, bytes.length - 1))
        assert.equal(bytes.toString('utf8', scanner.starts[id], scanner.ends[id]), '"u"')
      }),
      { numRuns: 300 },
    )
  })
})

test('columns of Avro are the fields that their names spell, and the name itself counts first', () => {
  const scanner = createRecordScanner(['id', 'time', 'campaign_id'], new Set(), new Set())
  const starts = (names: readonly string[]) => {
    const kinds = Uint8Array.from(names, () => KIND.string)
    scanner.load({ names, kinds, starts: Int32Array.from(names.keys()), ends: Int32Array.from(names.keys()) }, 0)
    return ['id', 'time', 'campaign_id'].map((name) => {
      const field = scanner.fieldOf(name)
      return scanner.kinds[field] === KIND.none ? -1 : scanner.starts[field]
    })
  }
  assert.deepEqual(starts(['ID', 'other', 'campaignId']), [0, -1, 2])
  assert.deepEqual(starts(['campaignId', 'Campaign Id', 'time']), [-1, 2, 0])
  assert.deepEqual(starts(['campaignId', 'campaign_id', 'x']), [-1, -1, 1])
})
