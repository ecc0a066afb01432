/** One line of `innererror.errordetails`. */
export interface ErrorDetail {
  readonly code: string
  readonly message: string
  readonly severity: 'error' | 'warning' | 'info'
  readonly target: string
}

/** A refusal that the caller sees as an OData v2 error object. */
export class ODataError extends Error {
  override readonly name = 'ODataError'
  readonly status: number
  readonly code: string
  readonly details: readonly ErrorDetail[]

  constructor(status: number, code: string, message: string) {
    super(message)
    this.status = status
    this.code = code
    this.details = [{ code, message, severity: 'error', target: '' }]
  }
}

/** Codes of the protocol itself. Their texts are the vendor's kind; the exact codes differ between releases. */
export const GATEWAY = {
  badQuery: '/IWBEP/CM_MGW_RT/004',
  badFilter: '/IWBEP/CM_MGW_RT/005',
  unknownProperty: '/IWBEP/CM_MGW_RT/021',
  badValue: '/IWBEP/CM_MGW_RT/022',
  badRequest: '/IWBEP/CM_MGW_RT/020',
  notFound: '/IWBEP/CM_MGW_RT/010',
  noSuchSegment: '/IWBEP/CM_MGW_RT/011',
  notAllowed: '/IWBEP/CM_MGW_RT/013',
  changeSetTooLarge: '/IWBEP/CM_MGW_RT/014',
  changed: '/IWBEP/CM_MGW_RT/412',
  ifMatchMissing: '/IWBEP/CM_MGW_RT/428',
  notAcceptable: '/IWBEP/CM_MGW_RT/406',
  mediaType: '/IWBEP/CM_MGW_RT/415',
  internal: '/IWBEP/CM_MGW_RT/500',
} as const

/** What a reply body of an error carries besides code and text. */
export interface ErrorFrame {
  readonly namespace: string
  readonly transactionId: string
  readonly wallMs: number
}

export function errorBody(frame: ErrorFrame, error: ODataError): unknown {
  return {
    error: {
      code: error.code,
      message: { lang: 'en', value: error.message },
      innererror: {
        application: { component_id: '', service_namespace: '/SAP/', service_id: frame.namespace, service_version: '0001' },
        transactionid: frame.transactionId,
        timestamp: `${new Date(frame.wallMs).toISOString().replace(/\D/g, '').slice(0, 14)}.0000000`,
        errordetails: error.details,
      },
    },
  }
}
