import {
  eventRefusal,
  INVALID_JSON,
  invalidApiKey,
  MISSING_BODY,
  missingField,
  type Refusal,
  TOO_MANY_EVENTS,
} from './answers.ts'
import { type Api, DEFAULT_MIN_ID_LENGTH } from './documented-limits.ts'
import { isObject, type RawEvent, validateEvents } from './validate-event.ts'

/** The events of a request that is right in itself (amplitude/README.md §1 and §2), or why it is refused. */
export function parseRequest(api: Api, body: Buffer, apiKey: string | undefined): readonly RawEvent[] | Refusal {
  if (body.length === 0) return MISSING_BODY
  const request = parseJson(body)
  if (!isObject(request)) return INVALID_JSON

  const key = request['api_key']
  if (typeof key !== 'string' || key === '') return missingField('api_key')
  if (apiKey !== undefined && key !== apiKey) return invalidApiKey(key)

  const events = request['events']
  if (!Array.isArray(events) || events.length === 0) return missingField('events')
  if (events.length > api.maxEvents) return TOO_MANY_EVENTS
  if (!events.every(isObject)) return INVALID_JSON

  return eventRefusal(validateEvents(events, minIdLengthOf(request)), api) ?? events
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return undefined
  }
}

function minIdLengthOf(request: RawEvent): number {
  const options = request['options']
  const length = isObject(options) ? options['min_id_length'] : undefined
  return typeof length === 'number' ? length : DEFAULT_MIN_ID_LENGTH
}
