import { describe, expect, test } from 'vitest'
import { outcomeOfResult, verdictOf } from './answers.ts'
import { DEFAULT_SCHEMA, qmsSchema } from './schema.ts'

const ABOUT = { creates: true, lagMs: 200, retryLostMs: 0, planGroup: 'plan:RM-100' } as const
const refusal = (type: unknown) => ({ responseStatus: 'FAILURE', errors: [{ type, message: 'because' }] })

describe('an answer to one record', () => {
  test.each<[string, unknown, object]>([
    ['a success', { responseStatus: 'SUCCESS', data: { number: 'INS-1' } }, { outcome: 'applied', detail: 'INS-1' }],
    ['no change', { responseStatus: 'WARNING', data: { number: 'INS-1' } }, { outcome: 'applied', detail: 'INS-1' }],
    ['a success without a number', { responseStatus: 'SUCCESS' }, { outcome: 'applied', detail: 'SUCCESS' }],
    ['an exception', { responseStatus: 'EXCEPTION', errors: [{ type: 'UNEXPECTED_ERROR' }] }, { outcome: 'unknown' }],
    ['a status nobody knows', { responseStatus: 'QUEUED' }, { outcome: 'unknown', detail: 'QUEUED' }],
    ['nothing', undefined, { outcome: 'unknown' }],
    ['a text', 'SUCCESS', { outcome: 'unknown' }],
    ['a lost session', refusal('INVALID_SESSION_ID'), { outcome: 'later', class: 'authorization', delayMs: 0 }],
    ['a lack of rights', refusal('INSUFFICIENT_ACCESS'), { outcome: 'later', class: 'authorization', delayMs: null }],
    ['too many calls', refusal('API_LIMIT_EXCEEDED'), { outcome: 'later', class: 'rateLimit', delayMs: null }],
    ['another version', refusal('RACE_CONDITION'), { outcome: 'later', class: 'transient', delayMs: 200 }],
    ['no such record', refusal('NOT_FOUND'), { outcome: 'later', class: 'transient', delayMs: 200 }],
    ['one that stands there', refusal('DUPLICATE_VALUE'), { outcome: 'applied', detail: 'DUPLICATE_VALUE: because' }],
    ['several', refusal('MULTIPLE_MATCHES'), { outcome: 'needs-person', code: 'record.duplicate' }],
    ['no plan', refusal('INSPECTION_PLAN_MISSING'), { outcome: 'needs-person', code: 'plan.missing', causeGroup: 'plan:RM-100' }],
    ['bad values', refusal('INVALID_DATA'), { outcome: 'refused', detail: 'INVALID_DATA: because' }],
    ['a type nobody knows', refusal('NEW_TYPE'), { outcome: 'refused' }],
    ['a type that is a word of the language', refusal('constructor'), { outcome: 'refused' }],
    ['a failure without errors', { responseStatus: 'FAILURE' }, { outcome: 'refused', detail: 'FAILURE' }],
  ])('%s', (_, result, outcome) => {
    expect(outcomeOfResult(DEFAULT_SCHEMA, result, ABOUT)).toMatchObject(outcome)
  })

  test('that stands there already is no cancellation', () => {
    expect(outcomeOfResult(DEFAULT_SCHEMA, refusal('RECORD_LOCKED'), { ...ABOUT, creates: false })).toMatchObject({ outcome: 'refused' })
  })

  test('is read by the tables of the installation', () => {
    const schema = qmsSchema({ envelope: { status: 'state', succeeded: ['ok'], failed: ['no'] }, errors: { LOGGED_OUT: 'session' } })
    expect(verdictOf(schema, { state: 'ok' })).toMatchObject({ verdict: 'succeeded' })
    expect(verdictOf(schema, { state: 'no', errors: [{ type: 'LOGGED_OUT' }] })).toMatchObject({ verdict: 'failed', meaning: 'session' })
    expect(verdictOf(schema, { state: 'no', errors: [{ type: 'RACE_CONDITION' }] })).toMatchObject({ meaning: 'changed' })
    expect(verdictOf(schema, { responseStatus: 'SUCCESS' })).toMatchObject({ verdict: 'unclear' })
  })
})
