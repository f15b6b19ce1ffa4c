import { randomOf } from '../bench/generate.ts'

/** Lines of NDJSON, good, odd and broken, from a seed: what a scanner may meet. */

const NAMES = [
  ...['id', 'time', 'external_user_id', 'user_id', 'device_id', 'timezone', 'campaign_name', 'properties', 'name'],
  ...['event_type', 'price', 'url', 'is_amp', 'suspected_bot_click_reason', 'user', 'events', 'x', '', 'née', '😀'],
  ...[
    'campaign_id',
    'canvas_name',
    'canvas_id',
    'dispatch_id',
    'send_id',
    'link_id',
    'link_alias',
    'user_agent',
    'ip_pool',
  ],
  // Other spellings of fields.
  ...['Campaign_Name', 'campaignName', 'External User ID', 'userId', '\u212Aey', 'TIME'],
]
/** What an event must have. */
const NEEDED = ['id', 'time', 'external_user_id', 'name']
const ESCAPED_NAMES = ['campaign\\u005fname', 'i\\u0064', 'a\\"b', 'a\\q', 'a\tb', 'a"b']
const NUMBERS = [
  ...[
    '0',
    '-0',
    '1',
    '-1',
    '10',
    '1767225600',
    '1234567890123456',
    '12345678901234567',
    '1'.repeat(50),
    '0.5',
    '-1.25',
  ],
  ...['1e5', '1E+5', '1e-5', '1.5e400', '0e0', '5e-324', '1.0000000000000000000001', '0.1234567890123456'],
  ...['01', '-', '-01', '+1', '1.', '.5', '1e', '1e+', '1.e5', '0x1', '1_000', 'NaN', '-Infinity', '1 2', '--1', '00'],
]
const LITERALS = ['null', 'true', 'false', 'nul', 'nulls', 'tru', 'True', 'fals', 'falsy', 'f', 'n', 't', 'undefined']
const ESCAPES = [
  ...[
    '\\"',
    '\\\\',
    '\\/',
    '\\b',
    '\\f',
    '\\n',
    '\\r',
    '\\t',
    '\\u0000',
    '\\u00e9',
    '\\uD83D\\uDE00',
    '\\ud83d',
    '\\udE00',
  ],
  ...['\\ud83d\\u0041', '\\ud83d\\n', '\\uABCDEF'],
]
const BROKEN_ESCAPES = ['\\', '\\x', '\\u12', '\\u12G4', '\\U0041', '\\u', '\\ud83d\\u12', "\\'", '\\0', '\\\u0001']
const RAW = ['é', '😀', '\u2028', '\u007f', '{', '}', '[', ',', ':', "'", ' ', '\u00a0']
const CONTROLS = ['\u0000', '\u0001', '\t', '\r', '\u001e', '\u001f']
const LINE_ENDS = ['\n', '\n', '\n', '\n', '\r\n', ' \n', '\t\r\n', '\r\r\n', '\n\n', '\n\r\n', '\n \n']
const STRANGERS = [
  ...[
    '',
    ' ',
    '{}',
    '{ }',
    '[]',
    '[{"id":"a"}]',
    'null',
    '"x"',
    '{',
    '}',
    '{"a"',
    '{"a":',
    '{"a":1',
    '{"a":1,',
    '{"a":1,}',
  ],
  ...[
    '{,}',
    '{"a":1}}',
    '{"a":1}{"b":2}',
    '{"a":1} x',
    '{"a" :1}',
    '{ "a":1}',
    '{"a":1 }',
    '{"a":1 ,"b":2}',
    '{"a":  1}',
  ],
  ...[
    '{"a":\t1}',
    '{"a":1,\t"b":2}',
    '{1:2}',
    '{a:1}',
    "{'a':1}",
    '\ufeff{"id":"a"}',
    '\u001e{"id":"a"}',
    '# x',
    '{"a":1}\u0000',
  ],
  ...[
    '{"events":[{"id":"a","time":1767225600,"user_id":"u"},{"id":"b"}]}',
    '{"events":[]}',
    '{"meta":1,"data":[{"id":"a"}]}',
  ],
  ...[
    '{\n"id":"spread","time":1767225600,\n"user_id":"u"}',
    '{"a":[1,2,[3]]}',
    '{"a":{"b":1}}',
    '{"a":{"string":"x"}}',
  ],
]

/** `count` lines and some more, each with what ends it. */
export function oddLines(seed: number, count: number): Buffer {
  const random = randomOf(seed)
  const below = (limit: number) => Math.floor(random() * limit)
  const pick = <T>(from: readonly T[]): T => from[below(from.length)] as T
  const chance = (share: number) => random() < share

  function key(): string {
    if (chance(0.9)) return pick(NAMES)
    if (chance(0.2)) return pick(ESCAPED_NAMES)
    return 'k'.repeat(pick([11, 12, 13, 14, 15, 16, 27, 28, 29, 30, 31, 108, 109, 110, 111, 112, 113])) + below(3)
  }

  function text(isBroken: boolean): string {
    const parts = [pick(['', 'x', 'y'.repeat(below(70)), 'z'.repeat(chance(0.02) ? below(5000) : 16)])]
    for (let left = chance(0.3) ? 1 + below(4) : 0; left > 0; left--) {
      parts.push(pick(chance(0.7) ? ESCAPES : RAW), 'w'.repeat(below(20)))
    }
    if (isBroken) parts.splice(below(parts.length + 1), 0, pick(chance(0.5) ? BROKEN_ESCAPES : CONTROLS))
    return `"${parts.join('')}"`
  }

  function value(name: string, isBroken: boolean): string {
    const kind = below(20)
    if (name === 'time' && kind < 17) return '1767225600'
    if (kind < (NEEDED.includes(name) ? 17 : 9)) return text(isBroken)
    if (kind < 13) return isBroken ? pick(NUMBERS) : pick(NUMBERS.slice(0, 19))
    if (kind < 17) return isBroken ? pick(LITERALS) : pick(LITERALS.slice(0, 3))
    if (kind < 19) return list(isBroken)
    return pick(['{}', '{"a":1}', '{"string":"x"}', '{"long":5}', '[[1]]', '[{"a":1}]', '{"a":', '[1', '[}'])
  }

  function list(isBroken: boolean): string {
    const items = Array.from({ length: below(4) }, () =>
      chance(0.5) ? text(isBroken && chance(0.5)) : pick(NUMBERS.slice(0, 19)),
    )
    return `[${items.join(pick([',', ', ']))}${isBroken ? pick(['', ',', ' ', ']']) : ''}]`
  }

  function object(): string {
    const [comma, colon] = pick([
      [',', ':'],
      [', ', ': '],
      [',', ':'],
      [', ', ':'],
      pick([
        [' ,', ':'],
        [',  ', ':'],
        [',', ' :'],
        [',\t', ': '],
      ]),
    ]) as [string, string]
    const isBroken = chance(0.1)
    const member = (name: string) => `"${name}"${colon}${value(name, isBroken && chance(0.5))}`
    const members = NEEDED.filter(() => chance(0.9)).map(member)
    for (let left = below(8); left > 0; left--) members.splice(below(members.length + 1), 0, member(key()))
    const isUnique = chance(0.9)
    const seen = new Set<string>()
    const kept = members.filter((one) => {
      const name = one.slice(0, one.indexOf('":'))
      const isNew = !seen.has(name)
      seen.add(name)
      return isNew || !isUnique
    })
    return `{${kept.join(comma)}}`
  }

  function damaged(line: Buffer): Buffer {
    const at = below(line.length + 1)
    const byte = Buffer.of(chance(0.5) ? below(256) : (pick([0x22, 0x5c, 0x2c, 0x7d, 0x0a, 0x00, 0xff]) as number))
    return Buffer.concat([line.subarray(0, at), ...(chance(0.3) ? [] : [byte]), line.subarray(at + below(2))])
  }

  const lines: Buffer[] = []
  for (let i = 0; i < count; i++) {
    const line = Buffer.from(chance(0.05) ? pick(STRANGERS) : object())
    lines.push(chance(0.08) ? damaged(line) : line, Buffer.from(chance(0.7) ? '\n' : pick(LINE_ENDS)))
  }
  return Buffer.concat(lines)
}
