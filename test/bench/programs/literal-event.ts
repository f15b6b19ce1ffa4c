/** The event of a record, as a literal object that is made text: one shape for every event type, no checks. */
export function literalEvent(record: Readonly<Record<string, unknown>>): string {
  return `${JSON.stringify({
    event_type: '[Appboy] Event',
    user_id: record['external_user_id'] ?? undefined,
    device_id: record['device_id'] ?? undefined,
    time: (record['time'] as number) * 1000,
    insert_id: record['id'],
    library: 'Braze',
    event_properties: {
      app_group_id: record['app_group_id'] ?? undefined,
      app_id: record['app_id'] ?? undefined,
      campaign_id: record['campaign_id'] ?? undefined,
      campaign_name: record['campaign_name'] ?? undefined,
      canvas_id: record['canvas_id'] ?? undefined,
      canvas_name: record['canvas_name'] ?? undefined,
      canvas_step_id: record['canvas_step_id'] ?? undefined,
      canvas_step_name: record['canvas_step_name'] ?? undefined,
      canvas_variation_id: record['canvas_variation_id'] ?? undefined,
      canvas_variation_name: record['canvas_variation_name'] ?? undefined,
      device_model: record['device_model'] ?? undefined,
      dispatch_id: record['dispatch_id'] ?? undefined,
      email_address: record['email_address'] ?? undefined,
      message_variation_id: record['message_variation_id'] ?? undefined,
      message_variation_name: record['message_variation_name'] ?? undefined,
      os_version: record['os_version'] ?? undefined,
      platform: record['platform'] ?? undefined,
      send_id: record['send_id'] ?? undefined,
      session_id: record['session_id'] ?? undefined,
      user_agent: record['user_agent'] ?? undefined,
    },
  })}\n`
}
