import type { MappingTables } from './mapping.ts'

/** What a type of error means for the record, or the call, that it was answered to. */
export type ErrorMeaning =
  /** The session is unknown or has ended; nothing was done. */
  | 'session'
  | 'credentials'
  | 'throttled'
  /** The record is not what was read last. */
  | 'changed'
  | 'absent'
  /** It stands there already, in a state that takes no change. */
  | 'exists'
  | 'duplicate'
  | 'planMissing'
  | 'pageToken'

/** Everything that differs between one session-token REST QMS and the next, apart from addresses and credentials. */
export interface QmsSchema extends MappingTables {
  readonly paths: {
    readonly login: string
    /** Takes a list of records and knows them by their external id. */
    readonly upsert: string
    /** Takes a list of records by id and version. */
    readonly cancel: string
    /** Answers what stands under each external id of a list. */
    readonly read: string
    readonly list: string
  }
  readonly session: {
    readonly user: string
    readonly password: string
    /** In the answer. */
    readonly token: string
    /** Of every other call. */
    readonly header: string
    /** Before the token. */
    readonly prefix: string
  }
  /** What answers are wrapped in, whole ones and those to single records alike. */
  readonly envelope: {
    readonly status: string
    readonly succeeded: readonly string[]
    /** Nothing was done. Any other status: not known. */
    readonly failed: readonly string[]
    readonly errors: string
    readonly errorType: string
    readonly errorMessage: string
    /** The list of results. */
    readonly data: string
    /** In a result: the record's number. */
    readonly resultNumber: string
    /** In a result of a read: what stands under the key. */
    readonly records: string
    readonly page: string
    /** In `page`. */
    readonly nextPage: string
  }
  readonly request: {
    readonly externalIds: string
    /** Takes whole seconds in UTC and answers that second and all after it, oldest first. */
    readonly modifiedSince: string
    readonly pageSize: string
    readonly pageToken: string
  }
  /** Types that are not named are the QMS's final no. */
  readonly errors: Readonly<Record<string, ErrorMeaning>>
}

const FIELDS: QmsSchema['fields'] = {
  inspection: {
    id: 'id',
    number: 'number',
    externalId: 'external_id',
    reference: 'reference',
    version: 'version',
    status: 'status',
    decision: 'decision',
    modifiedAt: 'modified_at',
  },
  decision: { number: 'number', decidedBy: 'decided_by', decidedAt: 'decided_at', lines: 'lines', signature: 'signature' },
  line: { line: 'line', outcome: 'outcome', quantity: 'quantity', unit: 'unit', portion: 'portion' },
  portion: { kind: 'kind', carriers: 'carriers', except: 'except' },
}

const ENVELOPE: QmsSchema['envelope'] = {
  status: 'responseStatus',
  succeeded: ['SUCCESS', 'WARNING'],
  failed: ['FAILURE'],
  errors: 'errors',
  errorType: 'type',
  errorMessage: 'message',
  data: 'data',
  resultNumber: 'number',
  records: 'records',
  page: 'responseDetails',
  nextPage: 'next_page_token',
}

export const DEFAULT_SCHEMA: QmsSchema = {
  paths: {
    login: '/auth',
    upsert: '/objects/inspections?idParam=external_id',
    cancel: '/objects/inspections/actions/cancel',
    read: '/objects/inspections/read',
    list: '/objects/inspections',
  },
  session: { user: 'username', password: 'password', token: 'sessionId', header: 'authorization', prefix: '' },
  envelope: ENVELOPE,
  request: {
    externalIds: 'external_ids',
    modifiedSince: 'modified_since',
    pageSize: 'page_size',
    pageToken: 'page_token',
  },
  fields: FIELDS,
  create: {
    item: { field: 'item', form: 'value' },
    lot: { field: 'lot', form: 'lotNumber' },
    quantity: { field: 'lot_quantity', form: 'text' },
    uom: { field: 'unit', form: 'unit' },
    supplier: { field: 'supplier', form: 'value' },
    receipt: { field: 'receipt', form: 'value' },
    line: { field: 'receipt_line', form: 'text' },
    site: { field: 'site', form: 'text' },
  },
  constants: {},
  statuses: {
    created: 'created',
    in_progress: 'inProgress',
    results_complete: 'inProgress',
    decided: 'decided',
    signed: 'decided',
    reopened: 'reopened',
    cancelled: 'cancelled',
  },
  outcomes: { accepted: 'accepted', rejected: 'rejected', quarantined: 'quarantined' },
  portions: { lot: 'whole', carriers: 'carriers', remainder: 'remainder' },
  units: { PC: 'C62', KG: 'KGM', G: 'GRM', M: 'MTR', L: 'LTR' },
  errors: {
    INVALID_SESSION_ID: 'session',
    AUTHENTICATION_FAILED: 'credentials',
    INSUFFICIENT_ACCESS: 'credentials',
    API_LIMIT_EXCEEDED: 'throttled',
    RACE_CONDITION: 'changed',
    NOT_FOUND: 'absent',
    DUPLICATE_VALUE: 'exists',
    RECORD_LOCKED: 'exists',
    MULTIPLE_MATCHES: 'duplicate',
    INSPECTION_PLAN_MISSING: 'planMissing',
    INVALID_PAGE_TOKEN: 'pageToken',
  },
}

/** What an installation says about its QMS; tables are laid over the defaults, name by name. */
export type SchemaSettings = {
  readonly [K in Exclude<keyof QmsSchema, 'fields'>]?: Partial<QmsSchema[K]>
} & { readonly fields?: { readonly [K in keyof QmsSchema['fields']]?: Partial<QmsSchema['fields'][K]> } }

export function qmsSchema(settings: SchemaSettings): QmsSchema {
  const { fields } = settings
  return {
    paths: { ...DEFAULT_SCHEMA.paths, ...settings.paths },
    session: { ...DEFAULT_SCHEMA.session, ...settings.session },
    envelope: { ...DEFAULT_SCHEMA.envelope, ...settings.envelope },
    request: { ...DEFAULT_SCHEMA.request, ...settings.request },
    fields: {
      inspection: { ...FIELDS.inspection, ...fields?.inspection },
      decision: { ...FIELDS.decision, ...fields?.decision },
      line: { ...FIELDS.line, ...fields?.line },
      portion: { ...FIELDS.portion, ...fields?.portion },
    },
    create: laidOver(DEFAULT_SCHEMA.create, settings.create),
    constants: laidOver(DEFAULT_SCHEMA.constants, settings.constants),
    statuses: laidOver(DEFAULT_SCHEMA.statuses, settings.statuses),
    outcomes: laidOver(DEFAULT_SCHEMA.outcomes, settings.outcomes),
    portions: laidOver(DEFAULT_SCHEMA.portions, settings.portions),
    units: laidOver(DEFAULT_SCHEMA.units, settings.units),
    errors: laidOver(DEFAULT_SCHEMA.errors, settings.errors),
  }
}

/** What is laid over comes last: of several codes for one unit it is the one that is written. */
function laidOver<V>(
  table: Readonly<Record<string, V>>,
  over: Partial<Readonly<Record<string, V>>> | undefined,
): Readonly<Record<string, V>> {
  const given = Object.entries(over ?? {}).filter((entry): entry is [string, V] => entry[1] !== undefined)
  const kept = Object.entries(table).filter(([name]) => !given.some(([other]) => other === name))
  return Object.fromEntries([...kept, ...given])
}
