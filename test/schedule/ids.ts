import type { QueuedEvent } from '../../src/schedule/contract.ts'
import { hashOfId } from '../../src/schedule/identity-table.ts'

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
