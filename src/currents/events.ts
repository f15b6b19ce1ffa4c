/**
 * The catalogue: which event types Braze writes into Currents exports, and what each is called and carries in Amplitude.
 *
 * One row is one event type. Adding a type is one row here, its entry at the same place of `test/data/currents-events.json`, and one
 * golden file (`npm run golden`); what its fields hold is in `fields.ts`. What all rows share (prefix, identity, time, insert_id) is code in `map/`; what one type does differently
 * is a field of its row, so that nothing else asks for a type by its name.
 *
 * A row lists what the live connector sends, not all that an export holds: a field that is newer than the connector's
 * payload reference (of v11) stays out of `properties` until a source says that the connector sends it.
 */

/** How sure the Amplitude name of an event type is; worst last. */
export type NameSource =
  /** The connector's payload reference names it. */
  | 'reference'
  /** A retired event, named by Braze's partner page. */
  | 'page'
  /** The event carries its own name (custom events). */
  | 'own'
  /** The reference names it without its channel (`Click`): compare with live data first. */
  | 'bare'
  /** Guessed from the pattern of its neighbours. */
  | 'derived'
  /** The connector does not send it. */
  | 'none'

/** Type of a field in storage: `float` has 32 bits, `double` 64; `strings` is a list of them; of `any` nothing is known. */
export type FieldType = 'string' | 'int' | 'float' | 'double' | 'boolean' | 'strings' | 'any'

export interface EventRow {
  /** Currents event type. */
  readonly type: string
  /** Amplitude name without prefix; null when the event carries its own name or has none. */
  readonly name: string | null
  /** `reference` when absent: {@link nameSourceOf}. */
  readonly nameSource?: NameSource
  /** The partner page's older label where it differs from `name` (mapping files: `names: page`). */
  readonly pageLabel?: string
  /** False: the live connector does not send it, or its name is a guess. */
  readonly send?: false
  /** Event properties that the connector sends; they go out in alphabetical order. */
  readonly properties: readonly string[]
  /**
   * What the partner page does not list of them (profile `documented`); it may name more than the type has. Absent when the
   * type is not on the page.
   */
  readonly notOnPage?: readonly string[]
  /** Property → the storage field that holds it when the property's own field is absent. */
  readonly propertySources?: Readonly<Record<string, string>>
  /** Amplitude top-level field → storage field. */
  readonly topLevel?: Readonly<Record<string, string>>
  /** The customer's own properties are in the JSON string `properties`, and for `event` the name is in `name`. */
  readonly custom?: 'event' | 'purchase'
  /** Types of fields that hold something else in this event type than in all others (`fields.ts`). */
  readonly types?: Readonly<Record<string, FieldType>>
}

// Properties that event types share. A group is named for what it describes, or for the messages that all carry it.
const campaign = ['campaign_id', 'campaign_name', 'message_variation_id', 'message_variation_name'] as const
const canvas = [
  'canvas_id',
  'canvas_name',
  'canvas_step_id',
  'canvas_step_name',
  'canvas_variation_id',
  'canvas_variation_name',
] as const
const message = [...campaign, ...canvas, 'app_group_id'] as const
const device = ['app_id', 'device_model', 'os_version', 'platform'] as const
const advertising = ['ad_id', 'ad_id_type', 'ad_tracking_enabled'] as const
const onDevice = [...message, ...device, ...advertising] as const
const dispatch = ['dispatch_id', 'send_id'] as const
const abort = ['abort_log', 'abort_type'] as const
const retry = ['retry_log', 'retry_type'] as const

const email = [...message, ...dispatch, 'email_address', 'ip_pool'] as const
const handedOverEmail = [...email, 'esp', 'from_domain'] as const
const openedEmail = [
  ...handedOverEmail,
  'browser',
  'device_class',
  'device_model',
  'device_os',
  'is_amp',
  'mailbox_provider',
  'user_agent',
] as const
const push = [...message, ...dispatch, 'app_id', 'platform'] as const
const textMessage = [...message, ...dispatch, 'subscription_group_id', 'to_phone_number'] as const
const undeliveredSms = [...textMessage, 'error', 'from_phone_number', 'is_sms_fallback', 'provider_error_code'] as const
const whatsapp = [...textMessage, 'bsuid', 'flow_id', 'from_phone_number', 'message_id', 'template_name'] as const
// LINE messages lack `canvas_name`, `canvas_variation_name` and `message_variation_name`.
const line = [
  ...dispatch,
  'app_group_id',
  'campaign_id',
  'campaign_name',
  'canvas_id',
  'canvas_step_id',
  'canvas_step_name',
  'canvas_variation_id',
  'line_channel_id',
  'line_channel_name',
  'message_variation_id',
  'native_line_id',
  'subscription_group_id',
  'timezone',
] as const
const shortLink = ['short_url', 'url', 'user_agent', 'user_phone_number'] as const
const inbound = ['action', 'media_urls', 'message_body', 'user_phone_number'] as const
const card = [...onDevice, ...dispatch, 'card_id', 'is_unique'] as const
const banner = [
  ...onDevice,
  'banner_placement_id',
  'browser',
  'canvas_step_message_variation_api_id',
  'timezone',
] as const
const liveActivity = [
  'activity_attributes_type',
  'activity_id',
  'app_group_id',
  'app_id',
  'live_activity_event_type',
  'push_to_start_token',
  'update_token',
] as const
const tokenChange = ['app_group_id', 'app_id', 'ios_push_token_apns_gateway', 'push_token_state_change_type'] as const
const subscription = [
  ...message,
  'app_id',
  'channel',
  'channel_identifier',
  'email_address',
  'send_id',
  'state_change_source',
  'subscription_status',
  'timezone',
] as const

const conversion = ['conversion_behavior', 'conversion_behavior_index'] as const
const experiment = ['experiment_split_id', 'experiment_split_name', 'experiment_step_id'] as const
const optimizerStep = ['app_group_id', 'braze_user_id', 'channel', 'combination_token', 'dispatch_id'] as const
const apiIds = ['app_group_api_id', 'canvas_api_id', 'canvas_step_api_id', 'canvas_variation_api_id'] as const
const destination = [
  ...canvas,
  'app_group_id',
  'canvas_step_type',
  'destination_api_id',
  'destination_name',
  'destination_type',
] as const
const landingPage = ['app_group_id', 'braze_user_id', 'landing_page_api_id', 'landing_page_name'] as const
const agent = ['agent_id', 'agent_name', 'duration', 'invocation_source', 'is_error', 'request_id'] as const
const coordinates = ['alt_accuracy', 'altitude', 'latitude', 'll_accuracy', 'longitude'] as const

/** What the partner page leaves out of every event, or of all but a few. */
const unlisted = [
  'ad_id',
  'ad_id_type',
  'ad_tracking_enabled',
  'app_group_id',
  'bounce_reason',
  'browser',
  'category',
  'channel',
  'channel_identifier',
  'device_class',
  'device_os',
  'esp',
  'from_domain',
  'ip_pool',
  'is_amp',
  'is_drop',
  'is_sms_fallback',
  'is_suspected_bot_click',
  'is_unique',
  'locale_key',
  'mailbox_provider',
  'message_extras',
  'message_variation_name',
  'push_token',
  'state_change_source',
  'suspected_bot_click_reason',
  'timezone',
] as const

// Properties that an export holds under another name.
const contentCardId = { card_id: 'content_card_id' } as const
const internalUserId = { braze_user_id: 'user_id' } as const
const stepVariationId = { canvas_step_message_variation_api_id: 'canvas_step_message_variation_id' } as const

export const EVENTS: readonly EventRow[] = [
  {
    type: 'users.behaviors.CustomEvent',
    name: null,
    nameSource: 'own',
    properties: [...device, ...advertising, 'app_group_id'],
    notOnPage: unlisted,
    custom: 'event',
  },
  {
    type: 'users.behaviors.Purchase',
    name: 'Purchase',
    properties: [...device, ...advertising, 'app_group_id', 'currency'],
    notOnPage: unlisted,
    topLevel: { productId: 'product_id', price: 'price' },
    custom: 'purchase',
  },
  {
    type: 'users.behaviors.app.FirstSession',
    name: 'First Session',
    properties: [...device, 'app_group_id', 'session_id'],
    notOnPage: unlisted,
  },
  {
    type: 'users.behaviors.app.SessionStart',
    name: 'Session Start',
    properties: [...device, 'app_group_id', 'session_id'],
    notOnPage: unlisted,
  },
  {
    type: 'users.behaviors.app.SessionEnd',
    name: 'Session End',
    properties: [...device, 'app_group_id', 'duration', 'session_id'],
    notOnPage: unlisted,
  },
  {
    type: 'users.behaviors.Location',
    name: 'Location',
    properties: [...coordinates, ...device, ...advertising, 'app_group_id'],
    notOnPage: unlisted,
  },
  {
    type: 'users.behaviors.InstallAttribution',
    name: 'Install Attribution',
    properties: ['app_group_id', 'source'],
    notOnPage: unlisted,
  },
  {
    type: 'users.messages.pushnotification.Send',
    name: 'Push Notification Send',
    properties: [...push, ...advertising, 'locale_key', 'message_extras', 'push_token'],
    notOnPage: unlisted,
  },
  {
    type: 'users.messages.pushnotification.Open',
    name: 'Push Notification Open',
    properties: [...onDevice, ...dispatch],
    notOnPage: unlisted,
  },
  {
    type: 'users.messages.pushnotification.IosForeground',
    name: 'Push Notification iOS Foreground Open',
    properties: [...onDevice, ...dispatch],
    notOnPage: [...unlisted, 'device_model', 'os_version'],
  },
  {
    type: 'users.messages.pushnotification.Bounce',
    name: 'Push Notification Bounce',
    properties: [...push, ...advertising, 'push_token'],
    notOnPage: unlisted,
  },
  {
    type: 'users.messages.email.Send',
    name: 'Email Send',
    properties: [...email, 'message_extras'],
    notOnPage: unlisted,
  },
  { type: 'users.messages.email.Delivery', name: 'Email Delivery', properties: handedOverEmail, notOnPage: unlisted },
  {
    type: 'users.messages.email.Open',
    name: 'Email Open',
    properties: [...openedEmail, 'machine_open'],
    notOnPage: [...unlisted, 'device_model'],
  },
  {
    type: 'users.messages.email.Click',
    name: 'Email Click',
    properties: [
      ...openedEmail,
      'is_suspected_bot_click',
      'link_alias',
      'link_id',
      'suspected_bot_click_reason',
      'url',
    ],
    notOnPage: [...unlisted, 'device_model'],
  },
  {
    type: 'users.messages.email.Bounce',
    name: 'Email Bounce',
    properties: [...handedOverEmail, 'bounce_reason', 'is_drop'],
    notOnPage: unlisted,
  },
  {
    type: 'users.messages.email.SoftBounce',
    name: 'Email Soft Bounce',
    properties: [...handedOverEmail, 'bounce_reason'],
    notOnPage: unlisted,
  },
  {
    type: 'users.messages.email.MarkAsSpam',
    name: 'Email Mark As Spam',
    properties: [...handedOverEmail, 'user_agent'],
    notOnPage: [...unlisted, 'user_agent'],
  },
  { type: 'users.messages.email.Unsubscribe', name: 'Email Unsubscribe', properties: email, notOnPage: unlisted },
  {
    type: 'users.canvas.experimentstep.SplitEntry',
    name: 'Experiment Split Entry',
    pageLabel: 'Experiment Step Split Path Entry',
    properties: [...canvas, ...experiment, 'in_control_group'],
    notOnPage: [],
  },
  {
    type: 'users.canvas.experimentstep.Conversion',
    name: 'Experiment Step Conversion',
    properties: [...canvas, ...experiment, ...conversion, 'app_group_id', 'app_id', 'workflow_id'],
    notOnPage: [...canvas, 'app_id', 'conversion_behavior', 'experiment_split_name'],
  },
  {
    type: 'users.messages.sms.Send',
    name: 'SMS Send',
    properties: [...textMessage, 'category', 'message_extras'],
    notOnPage: unlisted,
  },
  {
    type: 'users.messages.sms.CarrierSend',
    name: 'SMS Carrier Send',
    pageLabel: 'SMS Send To Carrier',
    properties: [...textMessage, 'from_phone_number'],
    notOnPage: unlisted,
  },
  {
    type: 'users.messages.sms.Delivery',
    name: 'SMS Delivery',
    properties: [...textMessage, 'from_phone_number', 'is_sms_fallback'],
    notOnPage: unlisted,
  },
  { type: 'users.messages.sms.Rejection', name: 'SMS Rejection', properties: undeliveredSms, notOnPage: unlisted },
  {
    type: 'users.messages.sms.DeliveryFailure',
    name: 'SMS Delivery Failure',
    properties: undeliveredSms,
    notOnPage: unlisted,
  },
  {
    type: 'users.behaviors.subscriptiongroup.StateChange',
    name: 'Subscription Group State Change',
    properties: [...subscription, 'dispatch_id', 'subscription_group_id'],
    notOnPage: [...unlisted, 'app_id', 'dispatch_id'],
  },
  {
    type: 'users.messages.inappmessage.Impression',
    name: 'In-App Message Impression',
    properties: [...onDevice, ...dispatch, 'card_id', 'locale_key', 'message_extras'],
    notOnPage: [...unlisted, 'card_id', 'dispatch_id'],
  },
  {
    type: 'users.messages.inappmessage.Click',
    name: 'In-App Message Click',
    properties: [...onDevice, ...dispatch, 'button_id', 'card_id'],
    notOnPage: [...unlisted, 'card_id', 'dispatch_id'],
  },
  {
    type: 'users.messages.webhook.Send',
    name: 'Webhook Send',
    properties: [...message, ...dispatch, 'message_extras'],
    notOnPage: [...unlisted, 'dispatch_id'],
  },
  {
    type: 'users.messages.contentcard.Send',
    name: 'Content Card Send',
    properties: [...message, ...dispatch, 'card_id', 'message_extras'],
    notOnPage: [...unlisted, 'dispatch_id'],
    propertySources: contentCardId,
  },
  {
    type: 'users.messages.contentcard.Impression',
    name: 'Content Card Impression',
    properties: card,
    notOnPage: [...unlisted, 'dispatch_id'],
    propertySources: contentCardId,
  },
  {
    type: 'users.messages.contentcard.Click',
    name: 'Content Card Click',
    properties: card,
    notOnPage: [...unlisted, 'dispatch_id'],
    propertySources: contentCardId,
  },
  {
    type: 'users.messages.contentcard.Dismiss',
    name: 'Content Card Dismiss',
    properties: card,
    notOnPage: [...unlisted, 'dispatch_id'],
    propertySources: contentCardId,
  },
  {
    type: 'users.messages.newsfeedcard.Impression',
    name: 'News Feed Card Impression',
    nameSource: 'page',
    properties: [...device, 'card_id'],
    notOnPage: [],
  },
  {
    type: 'users.messages.newsfeedcard.Click',
    name: 'News Feed Card Click',
    nameSource: 'page',
    properties: [...device, 'card_id'],
    notOnPage: [],
  },
  {
    type: 'users.behaviors.app.NewsFeedImpression',
    name: 'News Feed Impression',
    nameSource: 'page',
    properties: device,
    notOnPage: [],
  },
  { type: 'users.behaviors.Uninstall', name: 'Uninstall', properties: ['app_group_id', 'app_id'], notOnPage: unlisted },
  {
    type: 'users.campaigns.Conversion',
    name: 'Campaign Conversion',
    pageLabel: 'Campaign Conversion Event',
    properties: [...campaign, ...dispatch, ...conversion, 'app_group_id', 'app_id'],
    notOnPage: [...unlisted, 'app_id', 'dispatch_id'],
  },
  {
    type: 'users.canvas.Conversion',
    name: 'Canvas Conversion',
    pageLabel: 'Canvas Conversion Event',
    properties: [...canvas, ...conversion, 'app_group_id', 'app_id'],
    notOnPage: [...unlisted, 'app_id'],
  },
  {
    type: 'users.canvas.Entry',
    name: 'Canvas Entry',
    properties: [...canvas, 'app_group_id', 'in_control_group'],
    notOnPage: unlisted,
  },
  {
    type: 'users.campaigns.EnrollInControl',
    name: 'Campaign Control Group Enrollment',
    properties: [...campaign, ...dispatch, 'app_group_id', 'app_id'],
    notOnPage: [...unlisted, 'app_id', 'dispatch_id'],
  },
  {
    type: 'users.canvas.exit.PerformedEvent',
    name: 'Exit Perform Event',
    pageLabel: 'Canvas Exit Performed Event',
    properties: [...canvas, ...apiIds, 'app_group_id'],
    notOnPage: ['canvas_name', 'canvas_step_name', 'canvas_variation_name'],
  },
  {
    type: 'users.canvas.exit.MatchedAudience',
    name: 'Exit Match Audience',
    pageLabel: 'Canvas Exit Matched Audience',
    properties: [...canvas, ...apiIds, 'app_group_id'],
    notOnPage: ['canvas_name', 'canvas_step_name', 'canvas_variation_name'],
  },
  {
    type: 'agentconsole.AgentExecuted',
    name: null,
    nameSource: 'none',
    send: false,
    properties: [
      ...canvas,
      ...agent,
      'cache_hit',
      'cache_tokens',
      'completion_tokens',
      'error',
      'input',
      'invocation_id',
      'llm_owned_by_customer',
      'model_name',
      'model_provider',
      'output',
      'prompt_tokens',
      'provider_request_id',
      'reasoning_tokens',
      'total_tokens',
    ],
    types: { duration: 'int' },
  },
  {
    type: 'agentconsole.ToolInvocation',
    name: null,
    nameSource: 'none',
    send: false,
    properties: [...agent, 'tool_arguments', 'tool_call_id', 'tool_name'],
    types: { duration: 'int' },
  },
  {
    type: 'contentoptimizer.ComponentStore',
    name: 'Content Optimizer Component Store Update',
    properties: ['app_group_id', 'combination_token', 'content', 'content_optimizer_step_id', 'is_active'],
  },
  {
    type: 'users.RandomBucketNumberUpdate',
    name: null,
    nameSource: 'none',
    send: false,
    properties: ['app_group_id', 'prev_random_bucket_number', 'random_bucket_number'],
  },
  { type: 'users.UserDeleteRequest', name: null, nameSource: 'none', send: false, properties: ['app_group_id'] },
  {
    type: 'users.UserOrphan',
    name: null,
    nameSource: 'none',
    send: false,
    properties: ['app_group_id', 'app_id', 'orphaned_by_id'],
  },
  {
    type: 'users.behaviors.liveactivity.PushToStartTokenChange',
    name: 'Live Activity Push To Start Token Change',
    send: false,
    properties: [...tokenChange, 'activity_attributes_type', 'push_to_start_token'],
  },
  {
    type: 'users.behaviors.liveactivity.UpdateTokenChange',
    name: 'Live Activity Update Token Change',
    send: false,
    properties: [...tokenChange, 'activity_id', 'update_token'],
  },
  {
    type: 'users.behaviors.pushnotification.TokenStateChange',
    name: 'Push Notification Token State Change',
    send: false,
    properties: [
      ...tokenChange,
      'platform',
      'push_token',
      'push_token_created_at',
      'push_token_device_id',
      'push_token_foreground_push_disabled',
      'push_token_provisionally_opted_in',
      'push_token_updated_at',
      'time_ms',
      'web_push_token_public_key',
      'web_push_token_user_auth',
      'web_push_token_vapid_public_key',
    ],
  },
  {
    type: 'users.behaviors.subscription.GlobalStateChange',
    name: 'Global Subscription State Change',
    properties: subscription,
  },
  {
    type: 'users.canvas.costep.Conversion',
    name: 'Canvas Content Optimizer Step Conversion',
    properties: [...optimizerStep, 'conversion_type'],
    propertySources: internalUserId,
  },
  {
    type: 'users.canvas.costep.Send',
    name: 'Canvas Content Optimizer Step Send',
    properties: [...optimizerStep, 'canvas_variation_id', 'content_optimizer_step_id'],
    propertySources: internalUserId,
  },
  {
    type: 'users.canvasstep.Progression',
    name: 'Canvas Step Progression',
    properties: [
      ...canvas,
      'app_group_id',
      'canvas_entry_id',
      'exit_reason',
      'is_canvas_entry',
      'next_step_id',
      'progression_type',
    ],
  },
  {
    type: 'users.messages.banner.Abort',
    name: 'Banner Abort',
    properties: [...banner, ...abort],
    propertySources: stepVariationId,
  },
  {
    type: 'users.messages.banner.Click',
    name: 'Banner Click',
    properties: [...banner, 'button_id', 'is_unique'],
    propertySources: stepVariationId,
  },
  {
    type: 'users.messages.banner.Dismiss',
    name: 'Banner Dismissal',
    properties: [
      ...banner,
      'braze_user_id',
      'button_id',
      'carrier',
      'country',
      'gender',
      'is_unique',
      'language',
      'resolution',
      'sdk_version',
    ],
    propertySources: { ...stepVariationId, ...internalUserId },
  },
  {
    type: 'users.messages.banner.Impression',
    name: 'Banner Impression',
    properties: [...banner, 'is_unique'],
    propertySources: stepVariationId,
  },
  {
    type: 'users.messages.contentcard.Abort',
    name: 'Content Card Abort',
    properties: [...message, ...dispatch, ...abort],
  },
  { type: 'users.messages.email.Abort', name: 'Email Abort', properties: [...email, ...abort] },
  {
    type: 'users.messages.email.Deferral',
    name: 'Email Deferral',
    properties: [...handedOverEmail, 'attempt_count', 'deferral_reason', 'recipient_domain', 'timezone'],
  },
  { type: 'users.messages.email.Retry', name: 'Email Retry', properties: [...email, ...retry, 'timezone'] },
  {
    type: 'users.messages.featureflag.Impression',
    name: 'Feature Flag Experiment Impression',
    properties: [...message, ...device, 'browser', 'feature_flag_id_name', 'is_unique', 'timezone'],
  },
  {
    type: 'users.messages.inappmessage.Abort',
    name: 'In-App Message Abort',
    properties: [...onDevice, ...dispatch, ...abort],
  },
  {
    type: 'users.messages.landingpage.Click',
    name: 'Landing Page Click',
    properties: [...landingPage, 'target'],
    propertySources: internalUserId,
  },
  {
    type: 'users.messages.landingpage.FormSubmission',
    name: 'Landing Page Form Submission',
    properties: landingPage,
    propertySources: internalUserId,
  },
  {
    type: 'users.messages.landingpage.Impression',
    name: 'Landing Page Impression',
    properties: [...landingPage, 'liquid_enabled'],
    propertySources: internalUserId,
  },
  {
    type: 'users.messages.line.Abort',
    name: 'Abort',
    nameSource: 'bare',
    send: false,
    properties: [...line, ...abort],
  },
  {
    type: 'users.messages.line.Click',
    name: 'Click',
    nameSource: 'bare',
    send: false,
    properties: [...line, 'is_suspected_bot_click', 'short_url', 'url', 'user_agent'],
  },
  {
    type: 'users.messages.line.InboundReceive',
    name: 'LINE Inbound Receive',
    properties: [...line, 'media_id', 'message_body'],
  },
  { type: 'users.messages.line.Retry', name: 'Line Retry', properties: [...line, ...retry] },
  {
    type: 'users.messages.line.Send',
    name: 'Send',
    nameSource: 'bare',
    send: false,
    properties: [...line, 'message_extras'],
  },
  {
    type: 'users.messages.liveactivity.Outcome',
    name: 'Live Activity Outcome',
    properties: [...liveActivity, 'live_activity_event_outcome'],
  },
  { type: 'users.messages.liveactivity.Send', name: 'Live Activity Send', properties: liveActivity },
  { type: 'users.messages.pushnotification.Abort', name: 'Push Notification Abort', properties: [...push, ...abort] },
  {
    type: 'users.messages.pushnotification.Retry',
    name: 'Push Notification Retry',
    properties: [...push, ...retry, 'timezone'],
  },
  {
    type: 'users.messages.rcs.Abort',
    name: 'Abort',
    nameSource: 'bare',
    send: false,
    properties: [...message, ...abort, 'subscription_group_id'],
  },
  {
    type: 'users.messages.rcs.Click',
    name: 'Click',
    nameSource: 'bare',
    send: false,
    properties: [
      ...message,
      ...shortLink,
      'element_label',
      'element_type',
      'interaction_type',
      'is_suspected_bot_click',
      'send_id',
      'subscription_group_id',
      'suspected_bot_click_reason',
    ],
  },
  {
    type: 'users.messages.rcs.Delivery',
    name: 'Delivery',
    nameSource: 'bare',
    send: false,
    properties: [...textMessage, 'from_rcs_sender'],
  },
  {
    type: 'users.messages.rcs.InboundReceive',
    name: 'Inbound Receive',
    nameSource: 'bare',
    send: false,
    properties: [...message, ...inbound, 'send_id', 'subscription_group_id', 'to_rcs_sender'],
  },
  {
    type: 'users.messages.rcs.Read',
    name: 'Read',
    nameSource: 'bare',
    send: false,
    properties: [...message, 'to_phone_number'],
  },
  {
    type: 'users.messages.rcs.Rejection',
    name: 'Rejection',
    nameSource: 'bare',
    send: false,
    properties: [...textMessage, 'error', 'from_rcs_sender', 'is_sms_fallback', 'provider_error_code'],
  },
  {
    type: 'users.messages.rcs.Send',
    name: 'Send',
    nameSource: 'bare',
    send: false,
    properties: [...textMessage, 'category', 'from_rcs_sender', 'message_extras'],
  },
  { type: 'users.messages.sms.Abort', name: 'SMS Abort', properties: [...message, ...abort, 'subscription_group_id'] },
  {
    type: 'users.messages.sms.InboundReceive',
    name: 'SMS Inbound Received',
    properties: [...message, ...inbound, 'inbound_phone_number', 'subscription_group_id'],
  },
  { type: 'users.messages.sms.Retry', name: 'SMS Retry', properties: [...message, ...retry, 'subscription_group_id'] },
  {
    type: 'users.messages.sms.ShortLinkClick',
    name: 'SMS Short Link Click',
    properties: [...message, ...shortLink, 'is_suspected_bot_click', 'suspected_bot_click_reason'],
  },
  {
    type: 'users.messages.survey.Response',
    name: 'Survey Response',
    properties: [
      ...onDevice,
      'answer_long_string',
      'answer_multiple_strings',
      'answer_single_boolean',
      'answer_single_number',
      'answer_single_string',
      'answer_type',
      'braze_user_id',
      'browser',
      'canvas_step_message_variation_api_id',
      'carrier',
      'country',
      'gender',
      'landing_page_api_id',
      'landing_page_name',
      'message_extras',
      'question_id',
      'question_reporting_id',
      'response_id',
      'sdk_version',
      'survey_completion_status',
      'survey_id',
      'survey_session_id',
      'timezone',
    ],
    propertySources: { ...internalUserId, ...stepVariationId },
  },
  { type: 'users.messages.webhook.Abort', name: 'Webhook Abort', properties: [...message, ...dispatch, ...abort] },
  {
    type: 'users.messages.webhook.Failure',
    name: 'Webhook Failure',
    properties: [
      ...message,
      ...dispatch,
      'content_length',
      'endpoint_url',
      'host',
      'http_status_code',
      'is_terminal',
      'raw_response',
      'retry_count',
      'url_path',
      'webhook_duration',
      'webhook_failure_source',
    ],
  },
  {
    type: 'users.messages.webhook.Retry',
    name: 'Webhook Retry',
    properties: [...message, ...dispatch, ...retry, 'timezone'],
  },
  {
    type: 'users.messages.whatsapp.Abort',
    name: 'WhatsApp Abort',
    properties: [...message, ...abort, 'bsuid', 'dispatch_id', 'subscription_group_id', 'to_phone_number'],
  },
  {
    type: 'users.messages.whatsapp.Click',
    name: 'WhatsApp Tracked Link Click',
    properties: [...message, ...shortLink, 'timezone'],
  },
  { type: 'users.messages.whatsapp.Delivery', name: 'WhatsApp Delivery', properties: whatsapp },
  {
    type: 'users.messages.whatsapp.Failure',
    name: 'WhatsApp Failure',
    properties: [...whatsapp, 'provider_error_code', 'provider_error_title'],
  },
  {
    type: 'users.messages.whatsapp.InboundReceive',
    name: 'WhatsApp Inbound Received',
    properties: [
      ...message,
      ...inbound,
      'bsuid',
      'catalog_id',
      'flow_id',
      'flow_response_json',
      'in_reply_to',
      'inbound_phone_number',
      'message_id',
      'quick_reply_text',
      'subscription_group_id',
    ],
    topLevel: { productId: 'product_id' },
  },
  { type: 'users.messages.whatsapp.Read', name: 'WhatsApp Read', properties: whatsapp },
  {
    type: 'users.messages.whatsapp.Retry',
    name: 'WhatsApp Retry',
    properties: [...message, ...retry, 'bsuid', 'dispatch_id', 'subscription_group_id', 'timezone', 'to_phone_number'],
  },
  { type: 'users.messages.whatsapp.Send', name: 'WhatsApp Send', properties: [...whatsapp, 'message_extras'] },
  {
    type: 'users.profile.Update',
    name: null,
    nameSource: 'none',
    send: false,
    properties: [
      'app_group_id',
      'app_id',
      'archived',
      'country',
      'custom_attributes',
      'dob',
      'email_address',
      'first_name',
      'gender',
      'home_city',
      'language',
      'last_name',
      'phone_number',
      'time_ms',
      'update_source',
    ],
  },
  {
    type: 'users.campaigns.Abort',
    name: 'Campaign Abort',
    nameSource: 'derived',
    send: false,
    properties: [...campaign, ...dispatch, ...abort, 'app_group_id'],
  },
  {
    type: 'users.canvas.Abort',
    name: 'Canvas Abort',
    nameSource: 'derived',
    send: false,
    properties: [...canvas, ...abort, 'app_group_id'],
  },
  {
    type: 'users.messages.newsfeedcard.Abort',
    name: 'News Feed Card Abort',
    nameSource: 'derived',
    send: false,
    properties: [...device, ...abort, 'app_group_id', 'card_id'],
  },
  {
    type: 'users.campaigns.UniqueReceipt',
    name: null,
    nameSource: 'none',
    send: false,
    properties: [...campaign, ...dispatch, 'app_group_id', 'app_id', 'country', 'gender', 'language'],
  },
  {
    type: 'users.canvas.sendtodestination.Sent',
    name: null,
    nameSource: 'none',
    send: false,
    properties: [...destination, 'destination_variant_type', 'destination_variation_name'],
  },
  {
    type: 'users.canvas.sendtodestination.NotSent',
    name: null,
    nameSource: 'none',
    send: false,
    properties: [...destination, 'reason'],
  },
]

/** How sure the Amplitude name of a type is. */
export function nameSourceOf({ nameSource = 'reference' }: EventRow): NameSource {
  return nameSource
}

/** Properties of a type that the partner page lists; null when the type is not on the page. */
export function pageProperties({ properties, notOnPage }: EventRow): readonly string[] | null {
  return notOnPage === undefined ? null : properties.filter((property) => !notOnPage.includes(property))
}
