import { EVENTS } from './events.ts'

/**
 * Fields that Braze writes into exports of some type and that the live connector sends with none, identity and time left out
 * (BRAZE.md, Fields). A mapping file can add them.
 */
const NEVER_SENT = [
  'browser',
  'button_action_type',
  'button_string',
  'canvas_step_message_variation_id',
  'carrier',
  'country',
  'from_domain',
  'gender',
  'language',
  'name',
  'phone_number',
  'resolution',
  'sdk_version',
  'sending_ip',
  'timezone',
  'user_id',
  'version',
] as const

/** Every field name of every export, identity and time left out. */
export const STORED_FIELDS: ReadonlySet<string> = new Set([
  ...NEVER_SENT,
  ...EVENTS.flatMap((row) => [
    ...row.properties,
    ...Object.values(row.propertySources ?? {}),
    ...Object.values(row.topLevel ?? {}),
  ]),
])
