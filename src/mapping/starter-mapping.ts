/** What `mapping init` writes: every key, commented out, with an example that holds. */
export const STARTER = `# Mapping file of braze2amp: what your events are called in Amplitude, and what they carry.
# As it stands it changes nothing. Take away the # before what you need, then:
# - braze2amp mapping check checks this file
# - braze2amp explain ./exports shows what each line does
# Editors complete and check it with the output of: braze2amp mapping schema

# The built-in mapping to start from: braze (what the live connector sends), documented, enriched.
extends: braze

# Before every name, also that of custom events unless custom_event_prefix says otherwise.
#prefix: "[Braze] "
#custom_event_prefix: ""
#custom_property_prefix: ""
#purchase_property_prefix: ""

# page: the older labels of Braze's partner page, where they differ.
#names: page

# Event types that the catalogue lacks: skip, derive (a name from the type, every field a property), fail.
#unknown_events: skip

# Event type of files whose path says none, by a glob on the path; * matches / too.
#files:
#  legacy/opens-*.csv: users.messages.email.Open

# Fields that can hold the ids, in the order in which they are tried.
#identity:
#  user_id: [external_user_id, user_id]
#  device_id: [device_id]
#  min_id_length: 1

# For all events. when: what a record must be, or it is left out: present, absent, a value, one of a list.
#defaults:
#  when: {app_group_id: present}
#  properties:
#    drop: [app_group_id]
#    set: {source: braze2amp}
#    redact: [email_address]

# By event type or glob; * matches dots too. The most specific entry wins, property by property.
#events:
#  users.messages.email.*:
#    properties:
#      sha256: [email_address]
#  users.messages.email.Open:
#    name: Email Opened              # the whole name: no prefix is added
#    when: {machine_open: absent, timezone: [Europe/Berlin, Europe/Vienna]}
#    properties:
#      only: [campaign_id, campaign_name, email_address]
#      add: [timezone]               # a field that the live connector does not send
#      rename: {campaign_name: campaign}
#      hmac: {key_env: BRAZE2AMP_HMAC_KEY, properties: [campaign_id]}
#  users.messages.contentcard.Impression: false     # dropped
#  users.messages.rcs.Send:                         # not sent by the live connector: naming it sends it
#    name: RCS Send
`
