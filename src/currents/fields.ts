import { EVENTS, type EventRow, type FieldType } from './events.ts'

/**
 * The fields of a Currents record: what each is for, and what it holds. All that the program knows of a field by its name
 * is here; what an event type sends is in `events.ts`. Names are in lower case: records spell them in any case.
 *
 * To add a field that Braze has begun to write:
 * - The connector sends it: name it in the rows of `events.ts` that have it. Otherwise: in {@link NEVER_SENT}.
 * - It is not a string: {@link FIELD_TYPES}; if that holds in one event type only: `types` of its row.
 * - It says who a person is, how to reach them, or what they wrote: {@link PERSONAL_FIELDS}.
 */

/** What makes a record one: fields that a nested object never replaces, and that are no event properties. */
export const RECORD_FIELDS = ['id', 'time', 'event_type'] as const

/** Who the event belongs to (currents/README.md §4); no event properties either. */
export const IDENTITY_FIELDS = ['external_user_id', 'user_id', 'device_id'] as const

/** Objects of the Custom HTTP form whose fields are the record's own; of a field in both, that of the later one counts. */
export const NESTING_FIELDS = ['properties', 'user'] as const

/** Where the customer's own properties are; the first that is there counts. */
export const OWN_PROPERTIES_FIELDS = ['custom_properties', 'purchase_properties', 'properties'] as const

/** Fields whose value may be an object of its own, so that no union wrapper is ever taken off them. */
export const CONTAINER_FIELDS: ReadonlySet<string> = new Set([...NESTING_FIELDS, ...OWN_PROPERTIES_FIELDS])

/** What a custom event is called. */
export const EVENT_NAME_FIELD = 'name'

/** Marks a row of a Snowflake share: its `x_api_id` is what the connector sends as `x_id`. */
export const SHARE_MARK_FIELD = 'sf_created_at'

/** The column of a Snowflake share that holds what the connector sends as `field`; `field` itself when there is none. */
export function shareFieldOf(field: string): string {
  return field.endsWith('_id') && !field.endsWith('_api_id') ? `${field.slice(0, -'_id'.length)}_api_id` : field
}

/** Fields that some event type sends. */
const SENT_FIELDS: ReadonlySet<string> = new Set(
  EVENTS.flatMap(({ properties, propertySources = {}, topLevel = {} }) => [
    ...properties,
    ...Object.values(propertySources),
    ...Object.values(topLevel),
  ]),
)

/** Fields that exports of some type hold and that no event type sends. A mapping file can add them. */
const NEVER_SENT = [
  'button_action_type',
  'button_string',
  'click_url',
  'data_object_provenance',
  'has_url_parameters',
  'is_archived',
  'link_aliasing_enabled',
  'name',
  'send_time',
  'sending_ip',
  'thinking_level',
  'version',
] as const

/** Every field of every export that can be an event property. */
export const STORED_FIELDS: ReadonlySet<string> = new Set([...SENT_FIELDS, ...NEVER_SENT])

const ALL_FIELDS: ReadonlySet<string> = new Set([
  ...RECORD_FIELDS,
  ...IDENTITY_FIELDS,
  ...CONTAINER_FIELDS,
  ...STORED_FIELDS,
])

/** Every field that the catalogue knows of, in lower case: those of storage, and those of a Snowflake share. */
export const CURRENTS_FIELDS: readonly string[] = [
  ...new Set([...ALL_FIELDS, ...Array.from(ALL_FIELDS, shareFieldOf), SHARE_MARK_FIELD]),
]

/** True when some Currents record has a field of this name (in lower case), Snowflake's `…_api_id` included. */
export function isCurrentsField(name: string): boolean {
  return ALL_FIELDS.has(name) || ALL_FIELDS.has(name.replace(/_api_id$/, '_id'))
}

/** What two spellings of one name have in common. */
function lettersAndDigits(name: string): string {
  return name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '')
}

let namesByLetters: ReadonlyMap<string, string> | null = null

/** The field that has these letters and digits; the table of all is made when the first name asks for it. */
function fieldOfLetters(letters: string): string | null {
  namesByLetters ??= new Map(
    [...ALL_FIELDS, SHARE_MARK_FIELD].flatMap((name) =>
      [shareFieldOf(name), name].map((spelled) => [lettersAndDigits(spelled), spelled]),
    ),
  )
  return namesByLetters.get(letters) ?? null
}

/**
 * The field that a column or key of this name holds, in lower case: `External User ID` and `externalUserId` are `external_user_id`
 * (currents/README.md §3). A name that no field has stays what it is, in lower case.
 */
export function fieldNameOf(name: string): string {
  const lower = name.toLowerCase()
  return isCurrentsField(lower) ? lower : (fieldOfLetters(lettersAndDigits(lower)) ?? lower)
}

/** Fields that say who a person is, how to reach them, or what they wrote: shown before anything is sent (src/README.md §4). */
export const PERSONAL_FIELDS: ReadonlySet<string> = new Set([
  'ad_id',
  'answer_long_string',
  'answer_multiple_strings',
  'answer_single_string',
  'braze_user_id',
  'bsuid',
  'custom_attributes',
  'dob',
  'email_address',
  'first_name',
  'gender',
  'home_city',
  'inbound_phone_number',
  'input',
  'last_name',
  'latitude',
  'longitude',
  'message_body',
  'native_line_id',
  'output',
  'phone_number',
  'push_token',
  'to_phone_number',
  'to_rcs_sender',
  'user_agent',
  'user_phone_number',
])

/** Types of the fields that are not strings. */
const FIELD_TYPES: Readonly<Record<string, FieldType>> = {
  ad_tracking_enabled: 'boolean',
  alt_accuracy: 'float',
  altitude: 'float',
  answer_single_boolean: 'boolean',
  answer_single_number: 'double',
  archived: 'boolean',
  attempt_count: 'int',
  cache_hit: 'boolean',
  cache_tokens: 'int',
  completion_tokens: 'int',
  content_length: 'int',
  conversion_behavior_index: 'int',
  duration: 'float',
  has_url_parameters: 'boolean',
  http_status_code: 'int',
  in_control_group: 'boolean',
  ios_push_token_apns_gateway: 'int',
  is_active: 'boolean',
  is_amp: 'boolean',
  is_archived: 'boolean',
  is_canvas_entry: 'boolean',
  is_drop: 'boolean',
  is_error: 'boolean',
  is_sms_fallback: 'boolean',
  is_suspected_bot_click: 'boolean',
  is_terminal: 'boolean',
  is_unique: 'boolean',
  latitude: 'float',
  link_aliasing_enabled: 'boolean',
  liquid_enabled: 'boolean',
  ll_accuracy: 'float',
  llm_owned_by_customer: 'boolean',
  longitude: 'float',
  media_urls: 'strings',
  prev_random_bucket_number: 'int',
  price: 'float',
  prompt_tokens: 'int',
  push_token_created_at: 'int',
  push_token_foreground_push_disabled: 'boolean',
  push_token_provisionally_opted_in: 'boolean',
  push_token_updated_at: 'int',
  random_bucket_number: 'int',
  reasoning_tokens: 'int',
  retry_count: 'int',
  send_time: 'int',
  suspected_bot_click_reason: 'strings',
  time: 'int',
  time_ms: 'int',
  total_tokens: 'int',
  webhook_duration: 'int',
}

/** The type that a field has in storage, in records of `row`; `any` when no export of Braze has the field. */
export function fieldType(row: EventRow, field: string): FieldType {
  return row.types?.[field] ?? FIELD_TYPES[field] ?? (isCurrentsField(field) ? 'string' : 'any')
}
