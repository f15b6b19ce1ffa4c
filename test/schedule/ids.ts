import { hashOfId } from '../../src/schedule/identity-hash.ts'
import type { QueuedEvent } from '../../src/schedule/records.ts'

/** An event's ids with their hashes. */
export function idsOf(
  user: string | null,
  device: string | null,
): Pick<QueuedEvent, 'user' | 'device' | 'userHash' | 'deviceHash'> {
  return {
    user,
    device,
    userHash: user === null ? 0 : hashOfId(user),
    deviceHash: device === null ? 0 : hashOfId(device),
  }
}
