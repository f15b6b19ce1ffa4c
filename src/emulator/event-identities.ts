import { createHash } from 'node:crypto'
import type { RawEvent } from './validate-event.ts'

// No id that was sent can start with it by accident.
const DERIVED = '\u0000'

/** The event's `user_id`, or undefined. Only for events that passed `validateEvents`. */
export function userOf(event: RawEvent): string | undefined {
  const user = event['user_id']
  return typeof user === 'string' ? user : undefined
}

/** The device that an event counts for: its `device_id`, else one derived from its `user_id` (amplitude/README.md §2). */
export function deviceOf(event: RawEvent): string {
  const device = event['device_id']
  return typeof device === 'string' ? device : `${DERIVED}${userOf(event)}`
}

/** A device as answers name it: a derived one by a hash that its sender does not know (amplitude/README.md §2, inferred). */
export function shownDevice(device: string): string {
  if (!device.startsWith(DERIVED)) return device
  return createHash('sha256').update(device.slice(DERIVED.length)).digest('hex').slice(0, 32)
}
