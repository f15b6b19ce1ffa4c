import { z } from 'zod'
import { EVENTS } from '../currents/events.ts'
import { PROFILES } from './rule-types.ts'

/** The shape of a mapping file (src/README.md §3). What its names mean is checked against the catalogue elsewhere. */

const propertyName = z.string().min(1)
const propertyList = z.array(propertyName).min(1)
const constant = z.union([z.string(), z.number(), z.boolean()])

const hmacSchema = z.strictObject({
  key_env: z
    .string()
    .regex(/^[A-Za-z_]\w*$/)
    .describe('Name of the environment variable that holds the key'),
  properties: propertyList.describe('Properties whose values become their HMAC-SHA-256, in hex'),
})

const propertiesSchema = z
  .strictObject({
    only: propertyList.describe('Send these properties only').optional(),
    add: propertyList.describe('Fields of the record to send too, which the live connector does not send').optional(),
    drop: propertyList.describe('Do not send these').optional(),
    rename: z.record(propertyName, propertyName).describe('Property: its new name').optional(),
    set: z
      .record(propertyName, z.union([constant, z.array(constant)]))
      .describe('Property: the value that every event gets')
      .optional(),
    redact: propertyList.describe('Replace the values by [REDACTED], as Braze does').optional(),
    sha256: propertyList.describe('Replace the values by their SHA-256 in hex, as Braze does').optional(),
    hmac: hmacSchema.optional(),
  })
  .meta({ id: 'properties', description: 'Rules for properties, each named as it is before renaming' })

const whenSchema = z
  .record(propertyName, z.union([constant, z.array(constant).min(1)]))
  .refine((when) => Object.keys(when).length > 0, { message: 'it must not be empty' })
  .meta({
    id: 'when',
    description:
      'Field of the record: what it must be, or the record is left out. present, absent, a value, or a list of values ' +
      '(in which present and absent are texts as any other)',
  })

const eventSchema = z
  .strictObject({
    name: z.string().min(1).describe('The whole name in Amplitude; no prefix is added').optional(),
    when: whenSchema.optional(),
    properties: propertiesSchema.optional(),
  })
  .meta({ id: 'event', description: 'What becomes of events of this type' })

const eventEntry = z.union([z.literal(false), z.null(), eventSchema])

const identitySchema = z.strictObject({
  user_id: propertyList.describe('Fields that can hold the user id; the first that has one counts').optional(),
  device_id: propertyList.describe('Fields that can hold the device id; the first that has one counts').optional(),
  min_id_length: z.int().min(1).max(100).describe('Characters that an id must have').optional(),
})

const defaultsSchema = z.strictObject({
  when: whenSchema.optional(),
  properties: propertiesSchema.optional(),
})

export const mappingSchema = z.strictObject({
  extends: z.enum(PROFILES).describe('The built-in mapping to start from').optional(),
  prefix: z.string().describe('Replaces "[Appboy] " before every name').optional(),
  custom_event_prefix: z.string().describe('Replaces "[Appboy] [Custom Event] "').optional(),
  custom_property_prefix: z.string().describe('Replaces "[Custom event property] "').optional(),
  purchase_property_prefix: z.string().describe('Replaces "[Purchase property] "').optional(),
  names: z.enum(['reference', 'page']).describe("page: the older labels of Braze's partner page").optional(),
  unknown_events: z
    .enum(['skip', 'derive', 'fail'])
    .describe('What becomes of event types that the catalogue lacks')
    .optional(),
  identity: identitySchema.describe('Where user and device come from').optional(),
  defaults: defaultsSchema.describe('For all events').optional(),
  files: z
    .record(z.string().min(1), z.string().min(1))
    .describe('Event type of files that say none, by a glob on their path (* matches / too)')
    .optional(),
  events: z
    .record(z.string().min(1), eventEntry)
    .describe('By event type or glob (* matches dots too); the most specific entry wins; false drops the event')
    .optional(),
})

/** The keys that a mapping file may have at `path`; none where keys are free. */
export function keysAt(path: readonly PropertyKey[]): readonly string[] {
  const last = path.at(-1)
  if (path.length === 0) return Object.keys(mappingSchema.shape)
  if (path.length === 1 && last === 'identity') return Object.keys(identitySchema.shape)
  if (path.length === 1 && last === 'defaults') return Object.keys(defaultsSchema.shape)
  if (path.length === 2 && path[0] === 'events') return Object.keys(eventSchema.shape)
  if (last === 'properties') return Object.keys(propertiesSchema.shape)
  return last === 'hmac' ? Object.keys(hmacSchema.shape) : []
}

/** JSON Schema of a mapping file, for editors: it knows every event type by name. */
export function mappingJsonSchema(): object {
  const schema = z.toJSONSchema(mappingSchema, { target: 'draft-7' })
  const events = schema.properties?.['events']
  const entry = typeof events === 'object' ? (events.additionalProperties ?? {}) : {}
  const properties = Object.fromEntries(EVENTS.map((row) => [row.type, entry]))
  return {
    ...schema,
    title: 'braze2amp mapping file',
    properties: { ...schema.properties, events: { ...(typeof events === 'object' ? events : {}), properties } },
  }
}
