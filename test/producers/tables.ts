import { randomOf } from '../bench/generate.ts'

/** The tables that the producers are given: invented Currents records with all that a dialect can stumble over. */

/** What a column is, in every producer's own words. `texts` is a list of texts. */
export type ColumnKind = 'text' | 'seconds' | 'real' | 'boolean' | 'texts'

export type Value = string | number | boolean | readonly string[] | null

export interface Table {
  /** The event type; the producers' files are named after it. */
  readonly type: string
  readonly columns: Readonly<Record<string, ColumnKind>>
  readonly rows: readonly Readonly<Record<string, Value>>[]
}

const COMMON = { id: 'text', external_user_id: 'text', time: 'seconds' } as const

/** What people write into names, in the middle of a text so that no producer may trim it. */
const HARD_TEXTS = [
  'plain',
  'left, quietly',
  'say "hi" twice: ""',
  "it's; a|b\tc",
  'back\\slash \\n \\\\ \\" end',
  'two\nlines',
  'three\r\nlines\rhere',
  'Grüße 👋🏽 نص 漢字',
  '{"looks":"like JSON"}',
  '[a, b]',
  '#not a comment',
  '=1+1',
  '1e5',
  'true',
]

const HARD_PROPERTIES = [
  '{"plan":"pro","seats":3}',
  '{"nested":{"list":[1,2.50,{"deep":[true,false,null]}],"text":"a, \\"b\\""}}',
  '{"path":"C:\\\\temp\\\\new","lines":"one\\ntwo\\r\\nthree","tab":"a\\tb"}',
  '{"big":12345678901234567890,"small":-9007199254740993,"precise":0.1000000000000000055511151231257827}',
  '{"emoji":"👋🏽","escaped":"\\u00e9\\ud83d\\ude00","semi":"a;b|c"}',
  '{}',
]

function pick<T>(random: () => number, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)] as T
}

function price(random: () => number): number {
  return Math.fround(Math.round(random() * 100_000) / 100)
}

/** About a quarter of the optional values are null, as in real exports. */
function maybe<T>(random: () => number, value: T): T | null {
  return random() < 0.25 ? null : value
}

/** @param count records in all tables together */
export function tablesOf(count: number, seed: number): readonly Table[] {
  const random = randomOf(seed)
  const each = Math.ceil(count / 4)
  const common = (kind: string, i: number) => ({
    id: `${kind}-${i}`,
    external_user_id: `customer-${Math.floor(random() * 500)}`,
    time: 1_767_319_200 + i,
  })
  const rows = (make: (i: number) => Readonly<Record<string, Value>>) => Array.from({ length: each }, (_, i) => make(i))
  return [
    {
      type: 'users.behaviors.CustomEvent',
      columns: { ...COMMON, device_id: 'text', name: 'text', properties: 'text', platform: 'text' },
      rows: rows((i) => ({
        ...common('custom', i),
        device_id: maybe(random, `D-${i}`),
        name: HARD_TEXTS[i % HARD_TEXTS.length] ?? '',
        properties: maybe(random, pick(random, HARD_PROPERTIES)),
        platform: maybe(random, 'ios'),
      })),
    },
    {
      type: 'users.behaviors.Purchase',
      columns: { ...COMMON, product_id: 'text', price: 'real', currency: 'text', properties: 'text' },
      rows: rows((i) => ({
        ...common('purchase', i),
        product_id: HARD_TEXTS[i % HARD_TEXTS.length] ?? '',
        price: price(random),
        currency: 'EUR',
        properties: maybe(random, pick(random, HARD_PROPERTIES)),
      })),
    },
    {
      type: 'users.messages.email.Click',
      columns: {
        ...COMMON,
        campaign_name: 'text',
        url: 'text',
        is_amp: 'boolean',
        suspected_bot_click_reason: 'texts',
        user_agent: 'text',
      },
      rows: rows((i) => ({
        ...common('click', i),
        campaign_name: maybe(random, pick(random, HARD_TEXTS)),
        url: 'https://example.com/?a=1&b=%22two%22#three',
        is_amp: maybe(random, random() < 0.5),
        suspected_bot_click_reason: maybe(random, pick(random, [['known_user_agent'], ['ip_match', 'a "b", c'], []])),
        user_agent: maybe(random, 'Mozilla/5.0 (X11; Linux x86_64) "Quoted/1.0"'),
      })),
    },
    {
      type: 'users.behaviors.Location',
      columns: { ...COMMON, latitude: 'real', longitude: 'real', altitude: 'real', device_model: 'text' },
      rows: rows((i) => ({
        ...common('location', i),
        latitude: Math.fround(random() * 180 - 90),
        longitude: Math.fround(random() * 360 - 180),
        altitude: maybe(random, price(random)),
        device_model: maybe(random, pick(random, ['iPhone 17 "Pro"', 'Galaxy, S26'])),
      })),
    },
  ]
}
